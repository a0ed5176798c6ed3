"""A model in training together with its optimizers and its average."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from golf.config.schema.train import OptimConfig, TrainConfig
from golf.model.gpt import GPT
from golf.model.roles import roles_of
from golf.optim.average import build_average
from golf.optim.build import Optimizers
from golf.optim.schedule import Progress, Rates
from golf.stages.checkpoint import under_prefix, with_prefix
from golf.stages.world import World

WRITES = ("attention.out.master", "mlp.down.master")


class Learner:
    """Everything that an optimizer step changes.

    Args:
        model: on its device.
        train: clip and average.
        optim: rates and rules.
        world: the processes that share each step.
    """

    def __init__(self, model: GPT, train: TrainConfig, optim: OptimConfig, world: World) -> None:
        self.model, self.config, self.world = model, train, world
        self.parameters = dict(model.named_parameters())
        groups = {name: role.group for name, role in roles_of(model).items()}
        self.optimizers = Optimizers(
            self.parameters, groups, optim, model.dtype, model.config.model_dim, world
        )
        self.average = build_average(train, self.parameters)

    def update(self, before: Progress, rates: Rates) -> None:
        """Take the step that the parameters' gradients say."""
        self._share_gradients()
        if self.config.grad_clip:
            clip_grad_norm_(self.parameters.values(), self.config.grad_clip)
        self.optimizers.step(rates)
        self.average.update(self.parameters, before, rates.lr)

    def _share_gradients(self) -> None:
        """Sum the ranks' gradients in one message."""
        if self.world.size == 1:
            return
        grads = [p.grad for p in self.parameters.values() if p.grad is not None]
        flat = self.world.sum(torch.cat([g.flatten() for g in grads]))
        parts = flat.split([g.numel() for g in grads])
        torch._foreach_copy_(grads, [p.view_as(g) for p, g in zip(parts, grads, strict=True)])

    def state(self) -> dict[str, Tensor]:
        """Return what resuming takes, by name."""
        return {
            **with_prefix("model.", self.model.state_dict()),
            **with_prefix("optim.", self.optimizers.state()),
            **with_prefix("average.", self.average.state()),
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take back what ``state`` returned."""
        self.model.load_state_dict(under_prefix("model.", state), strict=True)
        self.optimizers.load_state(under_prefix("optim.", state))
        self.average.load_state(under_prefix("average.", state))

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Take back whatever the block changes, in torch's generators too."""
        devices = [self.world.device] if self.world.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            before = {n: t.clone() for n, t in self.state().items()}
            yield
        self.load_state(before)

    @torch.no_grad()
    def exported(self) -> dict[str, Tensor]:
        """Return the weights to export; the model is left holding them."""
        self.model.load_state_dict(self.average.result(self.parameters), strict=False)
        self.model.bake()
        return self.model.state_dict()

    @torch.no_grad()
    def grow_from(self, small: Learner) -> None:
        """Take over a shallower learner: weights, averages, optimizer state if it is kept.

        What has no counterpart of the same shape (skip weights, lanes) keeps its fresh start.
        """
        source = _sources(self, small)
        for name, theirs in source.items():
            self.parameters[name].copy_(small.parameters[theirs])
        if self.config.grow_zero:
            for name in _repeats(source):
                self.parameters[name].zero_()
        self.average.take_over(small.average, source, self.parameters)
        if self.config.grow_state == "copy":
            state = small.optimizers.state()
            copied = {
                f"{name}:{field}": state[f"{theirs}:{field}"].clone()
                for name, theirs in source.items()
                for field in _fields(state, theirs)
            }
            self.optimizers.load_state(copied)


def _sources(grown: Learner, small: Learner) -> dict[str, str]:
    """Return, for each parameter of ``grown``, the parameter of ``small`` that it copies."""
    depth, before = grown.model.config.depth, small.model.config.depth
    stacked = grown.config.grow_map == "stack"
    blocks = [j % before if stacked else j * before // depth for j in range(depth)]
    found = {}
    for name, p in grown.parameters.items():
        head, _, rest = name.partition("blocks.")
        layer, _, part = rest.partition(".")
        theirs = f"blocks.{blocks[int(layer)]}.{part}" if not head and layer.isdigit() else name
        if theirs in small.parameters and small.parameters[theirs].shape == p.shape:
            found[name] = theirs
    return found


def _repeats(source: dict[str, str]) -> list[str]:
    """Return the maps to the stream of blocks that copy what an earlier block has copied."""
    writes = [n for n in source if n.endswith(WRITES)]
    firsts = {source[n]: n for n in reversed(writes)}
    return [n for n in writes if firsts[source[n]] != n]


def _fields(state: dict[str, Tensor], name: str) -> list[str]:
    """Return the fields of an optimizer's state that belong to one parameter."""
    return [key.removeprefix(f"{name}:") for key in state if key.startswith(f"{name}:")]
