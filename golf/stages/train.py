"""Train a model from its seed to its budget; leave a checkpoint with what is exported."""

from __future__ import annotations

import contextlib
import math
import resource
import time
from collections.abc import Iterator

import torch
from torch.nn.utils import clip_grad_norm_

from golf.config.schema import group_from
from golf.config.schema.post import RuntimeConfig
from golf.config.schema.train import OptimConfig, TrainConfig
from golf.data.loader import WindowLoader
from golf.files import write_json
from golf.model.flops import peak_flops, train_flops_per_token
from golf.model.roles import roles_of
from golf.optim.average import build_average
from golf.optim.build import Optimizers
from golf.optim.schedule import rates_at
from golf.stages.checkpoint import load_tensors, save_tensors, under_prefix, with_prefix
from golf.stages.clock import Budget
from golf.stages.context import Context, Outcome
from golf.stages.environment import device_name
from golf.stages.weights import EXPORTED


def main(context: Context) -> Outcome:
    """Train; resume from the last checkpoint when there is one."""
    training = Training(context)
    training.resume()
    training.prime()
    while not training.budget.is_spent:
        training.step()
        with training.budget.stopped():
            training.log()
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
        torch.manual_seed(self.config.seed)
        self.model = context.bench.fresh_model(spec, self.world)
        self.parameters = dict(self.model.named_parameters())
        groups = {name: role.group for name, role in roles_of(self.model).items()}
        dtype = getattr(torch, spec["numerics.dtype"])
        self.optimizers = Optimizers(
            self.parameters, groups, self.optim, dtype, spec["model.model_dim"], self.world
        )
        self.average = build_average(self.config, self.parameters)
        self.loader = WindowLoader(
            context.dataset.train, self.config.seq_len, self._data_seed(spec["train.loader"])
        )
        assert self.config.micro_tokens is not None
        self.rows = self.config.batch_tokens // self.config.seq_len
        self.micro_rows = self.config.micro_tokens // self.config.seq_len
        self.budget = Budget(self.config, self.world)
        self.curve: list[list[float]] = []
        self.loss = math.nan
        self.factor = math.nan
        self.loss_sum = torch.zeros((), dtype=torch.float64, device=self.world.device)
        self.saved_at = time.monotonic()

    def _data_seed(self, loader: str) -> int | None:
        return self.config.data_seed if loader == "shuffled" else None

    def prime(self) -> None:
        """Compile and warm up before the clock starts; the steps leave nothing behind."""
        steps = self._prime_steps()
        if steps:
            with self._undone():
                for _ in range(steps):
                    self._update()
        self.budget.start()

    def _prime_steps(self) -> int:
        if self.runtime.prime_steps is not None:
            return self.runtime.prime_steps
        compiled = self.context.node.spec["numerics.compile"]
        return 2 if compiled or self.world.device.type == "cuda" else 0

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        """Take back whatever the block changes in weights, optimizers, average and generators."""
        devices = [self.world.device] if self.world.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            weights, optimizers, average = (
                {n: t.clone() for n, t in state.items()}
                for state in (
                    self.model.state_dict(),
                    self.optimizers.state(),
                    self.average.state(),
                )
            )
            yield
        self.model.load_state_dict(weights, strict=True)
        self.optimizers.load_state(optimizers)
        self.average.load_state(average)
        self.loss_sum, self.factor = torch.zeros_like(self.loss_sum), math.nan

    def step(self) -> None:
        """Take one optimizer step."""
        self._update()
        self.budget.count_step()

    def _update(self) -> None:
        """Change weights, optimizers and average by the step that is due."""
        before = self.budget.progress
        self.loss_sum = self._gradients()
        if self.config.grad_clip:
            clip_grad_norm_(self.parameters.values(), self.config.grad_clip)
        rates = rates_at(self.config, self.optim, before)
        self.factor = rates.lr
        self.optimizers.step(rates)
        self.average.update(self.parameters, before, rates.lr)

    def _gradients(self) -> torch.Tensor:
        """Leave the mean gradient of the step's targets in the parameters; return the loss."""
        loss_sum = torch.zeros((), dtype=torch.float64, device=self.world.device)
        for inputs, targets in self.loader.micro_batches(
            self.budget.step, self.rows, self.micro_rows, self.world.rank, self.world.size
        ):
            nll = self.model(inputs.to(self.world.device), targets.to(self.world.device))
            (nll.sum() / self.config.batch_tokens).backward()
            loss_sum += nll.detach().sum(dtype=torch.float64)
        self._share_gradients()
        return loss_sum

    def _share_gradients(self) -> None:
        """Sum the ranks' gradients in one message."""
        if self.world.size == 1:
            return
        grads = [p.grad for p in self.parameters.values() if p.grad is not None]
        flat = self.world.sum(torch.cat([g.flatten() for g in grads]))
        parts = flat.split([g.numel() for g in grads])
        torch._foreach_copy_(grads, [p.view_as(g) for p, g in zip(parts, grads, strict=True)])

    def log(self) -> None:
        """Add a point to the curve and tell the watcher, now and then."""
        step, spent = self.budget.step, self.budget.is_spent
        if step % self.runtime.log_every and not spent:
            return
        self.loss = float(self.world.sum(self.loss_sum)) / self.config.batch_tokens
        if not math.isfinite(self.loss):
            raise FloatingPointError(f"the loss is {self.loss} at step {step}; lower the rates?")
        self.curve.append([step, self.budget.elapsed, self.loss, self.factor])
        self.context.progress(step, self.budget.expected_steps, f"loss {self.loss:.3f}")

    def checkpoint_if_due(self) -> None:
        """Save what resuming takes, at most every so many seconds."""
        if time.monotonic() - self.saved_at < self.runtime.checkpoint_seconds:
            return
        if self.world.leads and not self.budget.is_spent:
            tensors = {
                **with_prefix("model.", self.model.state_dict()),
                **with_prefix("optim.", self.optimizers.state()),
                **with_prefix("average.", self.average.state()),
            }
            about = {
                "step": self.budget.step,
                "elapsed": self.budget.elapsed,
                "curve": self.curve,
                "spec": self.context.node.spec,
            }
            save_tensors(self.context.files.resume, tensors, about)
        self.saved_at = time.monotonic()

    def resume(self) -> None:
        """Go back to the last checkpoint of this same spec, if there is one."""
        found = load_tensors(self.context.files.resume, self.world.device)
        if found is None or found[1]["spec"] != self.context.node.spec:
            return
        tensors, about = found
        self.model.load_state_dict(under_prefix("model.", tensors), strict=True)
        self.optimizers.load_state(under_prefix("optim.", tensors))
        self.average.load_state(under_prefix("average.", tensors))
        self.budget.step, self.budget.elapsed = about["step"], about["elapsed"]
        self.curve = about["curve"]

    def finish(self) -> Outcome:
        """Write the checkpoint (last weights and exported average) and the measures."""
        files = self.context.files
        if self.world.leads:
            tensors = {
                **with_prefix("last.", self.model.state_dict()),
                **with_prefix(EXPORTED, self.average.result(self.parameters)),
            }
            save_tensors(files.checkpoint, tensors, {"spec": self.context.node.spec})
            write_json(
                files.curve, {"columns": ["step", "train_s", "loss", "lr"], "points": self.curve}
            )
            files.resume.unlink(missing_ok=True)
        return Outcome(self._measures(), self._facts(), files.checkpoint)

    def _measures(self) -> dict[str, float]:
        steps, seconds = self.budget.step, self.budget.elapsed
        tokens = steps * self.config.batch_tokens
        flops = train_flops_per_token(self.model, self.config.seq_len)
        peak = peak_flops(device_name(self.world))
        return {
            "steps": steps,
            "tokens": tokens,
            "train_loss_nats": self.loss,
            "parameters": sum(p.numel() for p in self.parameters.values()),
            "flops_per_token": flops,
            "train_s": seconds,
            "step_ms": 1000 * seconds / steps,
            "tokens_per_s": tokens / seconds,
            "peak_memory_mb": _peak_memory_mb(self.world.device),
            **({"mfu": flops * tokens / seconds / peak / self.world.size} if peak else {}),
        }

    def _facts(self) -> dict[str, object]:
        dataset = self.context.dataset
        return {
            "val_sha256": dataset.val_sha256,
            "counting": dataset.counting,
            "vocab_size": dataset.vocab_size,
            "train_shards": len(dataset.train),
        }


def _peak_memory_mb(device: torch.device) -> float:
    """Return the most memory this process ever held: on the GPU, or resident on CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
