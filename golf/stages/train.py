"""Train a model from its seed to its budget; leave a checkpoint with what is exported."""

from __future__ import annotations

import math
import resource
from dataclasses import replace
from typing import Any

import torch

from golf.config.schema import group_from
from golf.config.schema.model import ModelConfig
from golf.config.schema.post import RuntimeConfig
from golf.config.schema.train import OptimConfig, TrainConfig
from golf.data.loaders.build import build_loader
from golf.files import write_json
from golf.model.flops import peak_flops, train_flops_per_token
from golf.optim.schedule import rates_at
from golf.stages.checkpoint import load_tensors, save_tensors, with_prefix
from golf.stages.clock import Budget
from golf.stages.context import Context, Outcome
from golf.stages.environment import device_name
from golf.stages.learner import Learner
from golf.stages.phases import build_phases, show
from golf.stages.weights import EXPORTED


def main(context: Context) -> Outcome:
    """Train; resume from the last checkpoint when there is one."""
    training = Training(context)
    training.resume()
    training.prime()
    while not training.budget.is_spent:
        training.step()
        training.log_if_due()
        training.checkpoint_if_due()
    return training.finish()


class Training:
    """A training in progress: everything that changes from step to step."""

    def __init__(self, context: Context) -> None:
        spec = context.node.spec
        self.context, self.world = context, context.world
        self.config = group_from(spec, TrainConfig)
        self.optim = group_from(spec, OptimConfig)
        self.runtime = group_from(context.node.runtime, RuntimeConfig)
        if self.world.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        self.phases = build_phases(group_from(spec, ModelConfig), self.config)
        self.learners = {d: self._learner(d) for d in {p.depth: None for p in self.phases}}
        self.phase = -1
        self.realised: list[list[float | str]] = []
        self.loader = build_loader(
            self.config, context.dataset.train, self.world.rank, self.world.size
        )
        self.budget = Budget(self.config, self.world)
        self.curve: list[list[float]] = []
        self.flops = self.step_flops = 0.0
        self.loss = math.nan
        self.factor = math.nan
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.world.device)
        self.saved_at = 0.0

    def _learner(self, depth: int) -> Learner:
        """Return a learner of that depth, its weights drawn from the seed."""
        torch.manual_seed(self.config.seed)
        settings = self.context.node.spec | {"model.depth": depth}
        model = self.context.bench.fresh_model(settings, self.world)
        return Learner(model, self.config, self.optim, self.world)

    @property
    def learner(self) -> Learner:
        """What learns in the present phase."""
        return self.learners[self.phases[max(self.phase, 0)].depth]

    def prime(self) -> None:
        """Compile and warm up every phase before the clock starts; nothing is left behind."""
        steps = self._prime_steps()
        for phase in self.phases[max(self.phase, 0) :] if steps else ():
            learner = self.learners[phase.depth]
            show(learner.model, phase, self.config)
            with learner.undone():
                for _ in range(steps):
                    self._update(learner)
        if self.phase >= 0:
            show(self.learner.model, self.phases[self.phase], self.config)
        self.loss_sum, self.factor = torch.zeros_like(self.loss_sum), math.nan
        self.budget.start()

    def _prime_steps(self) -> int:
        if self.runtime.prime_steps is not None:
            return self.runtime.prime_steps
        compiled = self.context.node.spec["numerics.compile"]
        return 2 if compiled or self.world.device.type == "cuda" else 0

    def step(self) -> None:
        """Take one optimizer step, in the phase that is due."""
        self._enter_due()
        self._update(self.learner)
        self.budget.count_step()
        if self.budget.counted:
            self.flops += self.step_flops

    def _enter_due(self) -> None:
        while self.phase + 1 < len(self.phases):
            if self.phases[self.phase + 1].start > self.budget.used:
                return
            self._enter(self.phase + 1)

    def _enter(self, index: int) -> None:
        """Go over to a phase; a deeper model takes over what the shallower one has learned."""
        before, self.phase = self.learner, index
        if self.learner is not before:
            self.learner.grow_from(before)
        show(self.learner.model, self.phases[index], self.config)
        self.realised.append([self.budget.step, self.budget.elapsed, str(self.phases[index])])
        flops = train_flops_per_token(self.learner.model, self.config.seq_len)
        self.step_flops = flops * self.config.batch_tokens

    def _update(self, learner: Learner) -> None:
        """Change ``learner`` by the step that is due."""
        before = self.budget.progress
        self.loss_sum = self._gradients(learner)
        rates = rates_at(self.config, self.optim, before)
        self.factor = rates.lr
        learner.update(before, rates)

    def _gradients(self, learner: Learner) -> torch.Tensor:
        """Leave the gradient of this rank's targets in the parameters; return their loss."""
        loss_sum = torch.zeros((), dtype=torch.float64, device=self.world.device)
        for batch in self.loader.micro_batches(self.budget.step):
            nll = learner.model(*batch.to(self.world.device))
            (nll.sum() / self.config.batch_tokens).backward()
            loss_sum += nll.detach().sum(dtype=torch.float64)
        return loss_sum

    def log_if_due(self) -> None:
        """Add a point to the curve and tell the watcher, now and then."""
        step, spent = self.budget.step, self.budget.is_spent
        if step % self.runtime.log_every and not spent:
            return
        with self.budget.stopped():
            self.loss = float(self.world.sum(self.loss_sum)) / self.config.batch_tokens
            if not math.isfinite(self.loss):
                what = f"the loss is {self.loss} at step {step}; lower the rates?"
                raise FloatingPointError(what)
            self.curve.append([step, self.budget.elapsed, self.loss, self.factor])
            self.context.progress(step, self.budget.expected_steps, f"loss {self.loss:.3f}")

    def checkpoint_if_due(self) -> None:
        """Save what resuming takes, at most every so many seconds of training."""
        if self.budget.elapsed - self.saved_at < self.runtime.checkpoint_seconds:
            return
        self.saved_at = self.budget.elapsed
        with self.budget.stopped():
            if self.world.leads and not self.budget.is_spent:
                save_tensors(self.context.files.resume, self.learner.state(), self._about())

    def _about(self) -> dict[str, Any]:
        """Return what resuming takes besides tensors."""
        return {
            "step": self.budget.step,
            "elapsed": self.budget.elapsed,
            "phase": self.phase,
            "phases": self.realised,
            "flops": self.flops,
            "curve": self.curve,
            "spec": self.context.node.spec,
        }

    def resume(self) -> None:
        """Go back to the last checkpoint of this same spec, if there is one."""
        found = load_tensors(self.context.files.resume, self.world.device)
        if found is None or found[1]["spec"] != self.context.node.spec:
            return
        tensors, about = found
        self.budget.step, self.budget.elapsed = about["step"], about["elapsed"]
        self.saved_at = self.budget.elapsed
        self.curve, self.flops = about["curve"], about["flops"]
        self._enter(about["phase"])
        self.realised = about["phases"]
        self.learner.load_state(tensors)

    def finish(self) -> Outcome:
        """Write the checkpoint (last weights and exported average) and the measures."""
        while self.phase + 1 < len(self.phases):
            self._enter(self.phase + 1)
        learner, files = self.learner, self.context.files
        show(learner.model, replace(self.phases[-1], fake_bits=None), self.config)
        last = {n: t.clone() for n, t in learner.model.state_dict().items()}
        exported = learner.exported()
        if self.world.leads:
            tensors = {**with_prefix("last.", last), **with_prefix(EXPORTED, exported)}
            save_tensors(files.checkpoint, tensors, {"spec": self.context.node.spec})
            write_json(
                files.curve, {"columns": ["step", "train_s", "loss", "lr"], "points": self.curve}
            )
            files.resume.unlink(missing_ok=True)
        return Outcome(self._measures(), self._facts(), files.checkpoint)

    def _measures(self) -> dict[str, float]:
        steps, seconds = self.budget.step, self.budget.elapsed
        batch, counted = self.config.batch_tokens, self.budget.counted
        model = self.learner.model
        peak = peak_flops(device_name(self.world))
        return {
            "steps": steps,
            "tokens": steps * batch,
            "train_loss_nats": self.loss,
            "parameters": sum(p.numel() for p in model.parameters()),
            "flops_per_token": train_flops_per_token(model, self.config.seq_len),
            "train_s": seconds,
            "step_ms": 1000 * seconds / counted,
            "tokens_per_s": counted * batch / seconds,
            "peak_memory_mb": _peak_memory_mb(self.world.device),
            **({"mfu": self.flops / seconds / peak / self.world.size} if peak else {}),
        }

    def _facts(self) -> dict[str, object]:
        dataset = self.context.dataset
        return {
            "val_sha256": dataset.val_sha256,
            "counting": dataset.counting,
            "vocab_size": dataset.vocab_size,
            "train_shards": len(dataset.train),
            "phases": self.realised,
        }


def _peak_memory_mb(device: torch.device) -> float:
    """Return the most memory this process ever held: on the GPU, or resident on CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
