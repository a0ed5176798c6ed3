"""How steps and the weight decay change a bank of matrices of one shape.

Steps come in the precision that they were computed in, and are scaled in it: that is where the
published programs round.
"""

from __future__ import annotations

import torch
from torch import Tensor


def decoupled_(
    bank: list[Tensor], steps: Tensor, lr: float, size_factor: float, decay: float
) -> None:
    """W <- (1 - lr decay) W - lr size_factor U."""
    if decay:
        torch._foreach_mul_(bank, 1 - lr * decay)
    scaled = (steps * size_factor).to(bank[0].dtype)
    torch._foreach_add_(bank, list(scaled.unbind()), alpha=-lr)


def cautious_(
    bank: list[Tensor], steps: Tensor, lr: float, size_factor: float, decay: float
) -> None:
    """W <- W - r (U + decay W [U W >= 0]) with r = lr size_factor.

    Only weights that the step shrinks are decayed. The size factor multiplies the decay too.
    Both rates are rounded to the precision of the steps.
    Source: arXiv 2510.12402, in the form of karpathy/autoresearch.
    """
    rate, share = (torch.tensor(v, dtype=steps.dtype) for v in (lr * size_factor, decay))
    for weight, step in zip(bank, steps.unbind(), strict=True):
        shrinks = (step * weight) >= 0
        weight.sub_(rate * step + rate * share * weight * shrinks)
