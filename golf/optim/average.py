"""Averages of the weights over a training; what is exported is the average.

The plain exponential average starts from the initial weights and keeps decay^n of them: 8 %
after 850 steps at 0.997. Starting from zero and dividing by 1 - decay^n removes that (arXiv
1412.6980, 3). Stochastic weight averaging (arXiv 1803.05407) takes the mean of some late weights.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from golf.config.schema.train import TrainConfig
from golf.optim.schedule import Progress

Tensors = Mapping[str, Tensor]


class LastWeights:
    """No average: the weights as they are at the end."""

    def update(self, tensors: Tensors, before: Progress, lr: float) -> None:
        """Take in what a step that began at ``before``, with the factor ``lr``, has made."""

    def result(self, tensors: Tensors) -> dict[str, Tensor]:
        """Return what is exported, in the dtypes of the live ``tensors``; never aliases them."""
        return {n: t.detach().clone() for n, t in tensors.items()}

    def take_over(self, small: LastWeights, source: Mapping[str, str], tensors: Tensors) -> None:
        """Go on where the average of a shallower model stopped.

        Args:
            small: that average, of the same kind.
            source: the name there of each of the tensors that have one.
            tensors: the present weights; where they stand for themselves the average is they.
        """

    def state(self) -> dict[str, Tensor]:
        """Return what resuming takes."""
        return {}

    def load_state(self, state: Tensors) -> None:
        """Take back what ``state`` returned."""


class Average(LastWeights, ABC):
    """A running average of named tensors in float32; the last weights while it is empty."""

    def __init__(self, tensors: Tensors) -> None:
        self.count = 0
        self.sums = {n: t.detach().float().clone() for n, t in tensors.items()}

    def update(self, tensors: Tensors, before: Progress, lr: float) -> None:
        if self._wants(before, lr):
            self.take(tensors)

    @torch.no_grad()
    def take(self, tensors: Tensors) -> None:
        """Take the tensors' present values in."""
        self.count += 1
        values = [tensors[n].float() for n in self.sums]
        torch._foreach_lerp_(list(self.sums.values()), values, self._share())

    def result(self, tensors: Tensors) -> dict[str, Tensor]:
        if not self.count:
            return super().result(tensors)
        kept = self._kept()
        return {n: (s / kept).to(tensors[n].dtype) for n, s in self.sums.items()}

    def take_over(self, small: LastWeights, source: Mapping[str, str], tensors: Tensors) -> None:
        assert isinstance(small, Average), "both are built from one configuration"
        self.count, kept = small.count, small._kept()
        for name, tensor in tensors.items():
            own = tensor.detach().float() * kept
            self.sums[name] = small.sums[source[name]].clone() if name in source else own

    def state(self) -> dict[str, Tensor]:
        return {"count": torch.tensor(self.count), **{f"sum.{n}": s for n, s in self.sums.items()}}

    def load_state(self, state: Tensors) -> None:
        self.count = int(state["count"])
        self.sums = {n: state[f"sum.{n}"] for n in self.sums}

    @abstractmethod
    def _wants(self, before: Progress, lr: float) -> bool:
        """Say whether the step that began at ``before`` is taken in."""

    @abstractmethod
    def _share(self) -> float:
        """Return the weight of what is being taken in."""

    def _kept(self) -> float:
        """Return the sum of all weights in ``sums``."""
        return 1.0


class ExponentialAverage(Average):
    """e <- decay e + (1 - decay) w after every step from the share ``start`` of the budget on.

    Debiased, e starts from zero; else from the initial weights, or, starting late, from the
    weights that it meets first.
    """

    def __init__(self, tensors: Tensors, decay: float, start: float, debias: bool) -> None:
        super().__init__(tensors)
        self.decay, self.start, self.debias = decay, start, debias
        if debias:
            torch._foreach_zero_(list(self.sums.values()))

    def _wants(self, before: Progress, lr: float) -> bool:
        return before.done >= self.start

    def _share(self) -> float:
        late = self.start > 0 and not self.debias and self.count == 1
        return 1.0 if late else 1 - self.decay

    def _kept(self) -> float:
        return 1 - self.decay**self.count if self.debias else 1.0


class StochasticAverage(Average):
    """The mean of every ``every``-th step's weights once the learning rate's factor is low."""

    def __init__(self, tensors: Tensors, below: float, every: int, after: float) -> None:
        super().__init__(tensors)
        self.below, self.every, self.after = below, every, after

    def _wants(self, before: Progress, lr: float) -> bool:
        falling = before.done >= self.after
        return falling and lr < self.below and (before.step + 1) % self.every == 0

    def _share(self) -> float:
        return 1 / self.count


def build_average(config: TrainConfig, tensors: Tensors) -> LastWeights:
    """Return the average that ``config`` asks for, over ``tensors``."""
    if config.ema_decay:
        return ExponentialAverage(tensors, config.ema_decay, config.ema_start, config.ema_debias)
    if config.swa_start is not None:
        return StochasticAverage(tensors, config.swa_start, config.swa_every, config.warmup_frac)
    return LastWeights()
