"""A debiased exponential average of the weights.

The plain form starts from the initial weights and keeps decay^n of them: 8 % after 850 steps
at 0.997. Starting from zero and dividing by 1 - decay^n removes that (arXiv 1412.6980, 3).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor


class DebiasedAverage:
    """Average of named tensors in float32; with decay 0 it is the last value."""

    def __init__(self, tensors: Mapping[str, Tensor], decay: float) -> None:
        self.decay = decay
        self.count = 0
        self.sums = {n: torch.zeros_like(t, dtype=torch.float32) for n, t in tensors.items()}

    @torch.no_grad()
    def update(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the tensors' present values in."""
        self.count += 1
        sums, values = list(self.sums.values()), [tensors[n].float() for n in self.sums]
        torch._foreach_lerp_(sums, values, 1 - self.decay)

    def average(self) -> dict[str, Tensor]:
        """Return the average; undefined before the first update."""
        kept = 1 - self.decay**self.count
        return {n: s / kept for n, s in self.sums.items()}
