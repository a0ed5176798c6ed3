"""Muon: momentum whose matrix is orthogonalised before it is applied.

Source: Keller Jordan, Muon, 2024; decay and size factor as in parameter-golf. The same skeleton
carries MUD, NorMuon and cautious decay: a ``Rule`` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from golf.config.schema.train import OptimConfig
from golf.optim import mud
from golf.optim.decay import cautious_, decoupled_
from golf.optim.momentum import averaged_, summed_
from golf.optim.newton_schulz import normalize_rows, orthogonalize, product_in_float32
from golf.optim.normuon import equalize, second_like
from golf.optim.team import Team


@dataclass(frozen=True)
class Rule:
    """How gradients become a step.

    Attributes:
        collect: changes momentum buffers in place; returns Nesterov's momentum, from
            (buffers, gradients, m).
        direction: maps (N, out, in) momentum matrices to steps; works on each matrix alone.
        size_factor: what a step is multiplied by, from (out, in).
        beta2: decay of NorMuon's second moments; None without NorMuon.
        apply: changes weights in place, from (bank, steps, lr, size factor, decay).
    """

    collect: Callable[[list[Tensor], list[Tensor], float], Sequence[Tensor]]
    direction: Callable[[Tensor], Tensor]
    size_factor: Callable[[int, int], float]
    beta2: float | None
    apply: Callable[[list[Tensor], Tensor, float, float, float], None]


def build_rule(config: OptimConfig, dtype: torch.dtype) -> Rule:
    """Return the rule that ``config`` asks for; activations are of type ``dtype``."""
    mud_wanted = config.matrix_optimizer == "mud"
    cautious = config.muon_wd > 0 and config.muon_wd_mode == "cautious"
    return Rule(
        collect=averaged_ if config.muon_momentum_form == "average" else summed_,
        direction=_decorrelation(config) if mud_wanted else _orthogonalization(config, dtype),
        size_factor=mud.size_factor if mud_wanted else size_factor,
        beta2=config.muon_beta2,
        apply=cautious_ if cautious else decoupled_,
    )


def _decorrelation(config: OptimConfig) -> Callable[[Tensor], Tensor]:
    return partial(mud.decorrelate, passes=config.mud_passes)


def _orthogonalization(config: OptimConfig, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    auto = config.muon_ns_dtype == "auto"
    turn = partial(
        orthogonalize,
        steps=config.muon_ns_steps,
        dtype=dtype if auto else getattr(torch, config.muon_ns_dtype),
        form=config.muon_ns,
        product=torch.matmul if dtype == torch.bfloat16 else product_in_float32,
    )
    if config.muon_row_norm:
        return lambda updates: turn(normalize_rows(updates))
    return turn


def size_factor(out: int, into: int) -> float:
    """Return sqrt(max(1, out / in))."""
    size: float = max(1.0, out / into) ** 0.5
    return size


class Muon(torch.optim.Optimizer):
    """For matrices (out, in): W <- W - lr size_factor direction(momentum), and decay.

    Matrices of one shape are worked on as one batch, and each process of the team finds the
    directions of its share of them. Momentum is the same everywhere.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float,
        weight_decay: float,
        rule: Rule,
        team: Team,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([{"params": list(matrices)}], defaults)
        self.rule = rule
        self.team = team

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    by_shape.setdefault(p.shape, []).append(p)
            for same in by_shape.values():
                self._step_bank(same, group["lr"], group["momentum"], group["weight_decay"])

    def _step_bank(self, bank: list[Tensor], lr: float, momentum: float, decay: float) -> None:
        grads = [p.grad for p in bank if p.grad is not None]
        buffers = [self._state(p, "momentum", torch.zeros_like) for p in bank]
        nesterov = self.rule.collect(buffers, grads, momentum)
        steps = self._directions(torch.stack(tuple(nesterov)))
        if self.rule.beta2 is not None:
            seconds = [self._state(p, "second", second_like) for p in bank]
            steps = equalize(steps, seconds, self.rule.beta2)
        size = self.rule.size_factor(*bank[0].shape)
        self.rule.apply(bank, steps, lr, size, decay)

    def _directions(self, updates: Tensor) -> Tensor:
        """Return the directions of (N, out, in) updates; a process computes N / size of them."""
        team, count = self.team, len(updates)
        if team.size == 1:
            return self.rule.direction(updates)
        each = -(-count // team.size)
        mine = updates[team.rank * each : (team.rank + 1) * each]
        missing = mine.new_zeros(each - len(mine), *mine.shape[1:])
        return team.gather(self.rule.direction(torch.cat([mine, missing])))[:count]

    def _state(self, p: Tensor, field: str, start: Callable[[Tensor], Tensor]) -> Tensor:
        state = self.state[p]
        if field not in state:
            state[field] = start(p)
        found: Tensor = state[field]
        return found
