"""How a block's input is mixed from the residual stream and the embedding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.model.roles import SCALAR


class ScalarMix(nn.Module):
    """x <- a * x + b * x0 with learned a (1 at the start) and b (0.1).

    Source: karpathy/autoresearch, ``resid_lambdas`` and ``x0_lambdas``.
    """

    roles = {"mix_2": SCALAR}

    def __init__(self) -> None:
        super().__init__()
        self.mix_2 = nn.Parameter(torch.tensor([1.0, 0.1]))

    def forward(self, x_BTC: Tensor, x0_BTC: Tensor) -> Tensor:
        mix = self.mix_2.to(x_BTC.dtype)
        return mix[0] * x_BTC + mix[1] * x0_BTC


class NoMix(nn.Module):
    """The block sees the residual stream alone."""

    def forward(self, x_BTC: Tensor, x0_BTC: Tensor) -> Tensor:
        return x_BTC


def build_mix(kind: str) -> nn.Module:
    """Return the mix called ``kind``."""
    return ScalarMix() if kind == "scalar" else NoMix()
