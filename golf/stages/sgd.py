"""Momentum SGD on the model itself, with text that was scored already."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils import clip_grad_norm_

from golf.data.validation import Row, ValidationStream
from golf.model.gpt import GPT
from golf.stages.scoring import ScoreSheet, run_model
from golf.stages.world import World


@dataclass(frozen=True)
class SgdSettings:
    """How the model learns.

    Attributes:
        lr: learning rate at its peak.
        batch_tokens: tokens in one step, over all processes.
        grad_clip: largest global norm of the gradient; 0 for any.
        freeze_blocks: blocks at the bottom that do not learn.
    """

    lr: float
    momentum: float
    epochs: int
    batch_tokens: int
    grad_clip: float
    freeze_blocks: int = 0


class SgdLearner:
    """One run of SGD; the momentum is its own.

    Attributes:
        steps: taken so far, the same on every process.
    """

    def __init__(self, model: GPT, settings: SgdSettings, world: World) -> None:
        self.model, self.settings, self.world = model, settings, world
        frozen = {p for b in model.blocks[: settings.freeze_blocks] for p in b.parameters()}
        self.parameters = [p for p in model.parameters() if p not in frozen]
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=settings.lr, momentum=settings.momentum
        )
        self.steps = 0

    def learn(
        self, stream: ValidationStream, rows: Sequence[Row], sheet: ScoreSheet, done: float
    ) -> None:
        """Take passes over ``rows``, at the rate that belongs to the share ``done`` of a run.

        Raises:
            ArithmeticError: one of their targets has no score on ``sheet`` yet.
        """
        if not rows:
            return
        sheet.require_scored(places_of(rows))
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.lr * 0.5 * (1 + math.cos(math.pi * done))
        each = max(1, self.settings.batch_tokens // rows[0].shape[0])
        for _ in range(self.settings.epochs):
            for start in range(0, len(rows), each):
                self._step(stream, rows[start : start + each])

    def _step(self, stream: ValidationStream, rows: Sequence[Row]) -> None:
        """Take one step on the mean loss of the targets, shared by all processes."""
        targets = sum(w.end - w.scored for row in rows for w in row.windows)
        mine = rows[self.world.rank :: self.world.size]
        gradients: tuple[torch.Tensor | None, ...] = (None,) * len(self.parameters)
        if mine:
            batch = stream.batch(mine)
            nll = run_model(self.model, batch, self.world)
            loss = nll[batch.places.to(self.world.device) >= 0].sum() / targets
            gradients = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        for p, gradient in zip(self.parameters, gradients, strict=True):
            p.grad = self.world.sum(torch.zeros_like(p) if gradient is None else gradient)
        if self.settings.grad_clip:
            clip_grad_norm_(self.parameters, self.settings.grad_clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.steps += 1


def places_of(rows: Sequence[Row]) -> torch.Tensor:
    """Return the places of all targets that count in ``rows``."""
    return torch.cat([torch.arange(w.scored, w.end) for row in rows for w in row.windows])
