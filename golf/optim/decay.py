"""How a step and the weight decay change a bank of matrices of one shape."""

from __future__ import annotations

import torch
from torch import Tensor


def decoupled_(
    bank: list[Tensor], steps: list[Tensor], lr: float, size_factor: float, decay: float
) -> None:
    """W <- (1 - lr decay) W - lr size_factor U."""
    if decay:
        torch._foreach_mul_(bank, 1 - lr * decay)
    torch._foreach_add_(bank, steps, alpha=-lr * size_factor)


def cautious_(
    bank: list[Tensor], steps: list[Tensor], lr: float, size_factor: float, decay: float
) -> None:
    """W <- W - r (U + decay W [U W >= 0]) with r = lr size_factor.

    Weights that the step enlarges are not decayed. The size factor multiplies the decay too.
    Source: arXiv 2510.12402, in the form of karpathy/autoresearch.
    """
    rate = lr * size_factor
    for weight, step in zip(bank, steps, strict=True):
        agree = (step * weight) >= 0
        weight.sub_(rate * step + rate * decay * weight * agree)
