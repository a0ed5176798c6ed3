"""NorMuon: neurons whose updates were large of late take shorter steps.

Source: arXiv 2510.05491, in the form of karpathy/autoresearch.
"""

from __future__ import annotations

import torch
from torch import Tensor


def second_like(matrix: Tensor) -> Tensor:
    """Return the zero state of one (out, in) matrix: a value per row, per column where wide."""
    out, into = matrix.shape
    return matrix.new_zeros((out, 1) if out >= into else (1, into))


def equalize(updates: Tensor, seconds: list[Tensor], beta2: float) -> Tensor:
    """Return (N, out, in) updates scaled neuron by neuron; each keeps its Frobenius norm.

    ``seconds`` (as ``second_like`` made them) average the neurons' mean squares; they are
    updated in place.
    """
    axis = -1 if updates.size(-2) >= updates.size(-1) else -2
    length = updates.size(axis)
    precise = updates.to(torch.promote_types(updates.dtype, torch.float32))
    means = precise.square().mean(axis, keepdim=True)
    torch._foreach_lerp_(seconds, list(means.to(seconds[0].dtype).unbind()), 1 - beta2)
    step = torch.stack(seconds).clamp_min(1e-10).rsqrt()
    before = (means * length).sum((-2, -1), keepdim=True).sqrt()
    after = (means * length * step.square()).sum((-2, -1), keepdim=True).sqrt()
    return updates * (step * (before / after.clamp_min(1e-10))).to(updates.dtype)
