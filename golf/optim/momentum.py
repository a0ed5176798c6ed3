"""Two ways to collect momentum; both return Nesterov's, one step ahead, and keep the gradients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def summed_(buffers: list[Tensor], grads: list[Tensor], momentum: float) -> Sequence[Tensor]:
    """B <- m B + G; return G + m B (parameter-golf)."""
    torch._foreach_mul_(buffers, momentum)
    torch._foreach_add_(buffers, grads)
    return torch._foreach_add(grads, buffers, alpha=momentum)


def averaged_(buffers: list[Tensor], grads: list[Tensor], momentum: float) -> Sequence[Tensor]:
    """B <- m B + (1 - m) G; return (1 - m) G + m B (karpathy/autoresearch)."""
    torch._foreach_lerp_(buffers, grads, 1 - momentum)
    return torch._foreach_lerp(grads, buffers, momentum)
