"""AdamW over tensors whose rows belong to different learners, some of which have finished."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

EPSILON = 1e-10


class RowAdamW:
    """Decoupled weight decay and bias-corrected moments; steps touch the first rows only.

    Equal to ``torch.optim.AdamW`` on those rows, which that one cannot leave out: its decay
    and its moments would go on for rows without a gradient. Source: arXiv 1711.05101.

    Args:
        tensors: each (rows, ...), changed in place.
        lr: learning rate.
        betas: decays of the averages of gradients and of squared gradients.
        weight_decay: share of a weight, times the learning rate, that a step takes away.
    """

    def __init__(
        self, tensors: Sequence[Tensor], lr: float, betas: tuple[float, float], weight_decay: float
    ) -> None:
        self.tensors, self.lr, self.betas, self.decay = list(tensors), lr, betas, weight_decay
        self.steps = 0
        self.firsts = [torch.zeros_like(t) for t in self.tensors]
        self.seconds = [torch.zeros_like(t) for t in self.tensors]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor]) -> None:
        """Take one step; gradients are those of the first rows of each tensor, (n, ...)."""
        self.steps += 1
        n, (b1, b2) = len(gradients[0]), self.betas
        weights = [t[:n] for t in self.tensors]
        firsts, seconds = [m[:n] for m in self.firsts], [v[:n] for v in self.seconds]
        torch._foreach_mul_(weights, 1 - self.lr * self.decay)
        torch._foreach_lerp_(firsts, list(gradients), 1 - b1)
        torch._foreach_mul_(seconds, b2)
        torch._foreach_addcmul_(seconds, list(gradients), list(gradients), 1 - b2)
        roots = torch._foreach_sqrt(seconds)
        torch._foreach_div_(roots, (1 - b2**self.steps) ** 0.5)
        torch._foreach_add_(roots, EPSILON)
        torch._foreach_addcdiv_(weights, firsts, roots, -self.lr / (1 - b1**self.steps))
