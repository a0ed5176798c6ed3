"""A linear map without bias that hands out its weight through one accessor."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.model.roles import Role


class Linear(nn.Module):
    """y = x W^T. The fp32 master weight is cast to the activations' dtype at use.

    Starts uniform within ±sqrt(3 / n_in), hence with variance 1 / n_in, or at zero.
    Whatever shares, bakes or fakes weights acts in ``weight()``.
    """

    def __init__(self, n_in: int, n_out: int, role: Role, *, zero: bool = False) -> None:
        super().__init__()
        bound = 0.0 if zero else (3.0 / n_in) ** 0.5
        self.master = nn.Parameter(torch.empty(n_out, n_in).uniform_(-bound, bound))
        self.roles = {"master": role}

    def weight(self) -> Tensor:
        """Return the weight in use, (n_out, n_in)."""
        return self.master

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight().to(x.dtype))


def rms_norm(x: Tensor) -> Tensor:
    """Return x / sqrt(mean(x^2) + eps) over the last axis; no learned weight."""
    return F.rms_norm(x, (x.size(-1),))
