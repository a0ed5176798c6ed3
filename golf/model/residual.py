"""How a block reads from the residual stream and how it writes to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.roles import RESID_MIX, SCALAR, X0_MIX


class ScalarMix(nn.Module):
    """x <- a * x + b * x0 with learned a (1 at the start) and b (0.1), summed in float32.

    Source: karpathy/autoresearch, ``resid_lambdas`` and ``x0_lambdas``.
    """

    roles = {"resid_1": RESID_MIX, "x0_1": X0_MIX}

    def __init__(self) -> None:
        super().__init__()
        self.resid_1 = nn.Parameter(torch.ones(1))
        self.x0_1 = nn.Parameter(torch.full((1,), 0.1))

    def forward(self, x_BTC: Tensor, x0_BTC: Tensor) -> Tensor:
        mixed = self.resid_1 * x_BTC + self.x0_1 * x0_BTC
        return mixed.to(x_BTC.dtype)


class ChannelMix(nn.Module):
    """x <- a * x + b * x0 per channel, a one and b zero at the start.

    Source: parameter-golf, ``resid_mix``.
    """

    roles = {"mix_2C": SCALAR}

    def __init__(self, model_dim: int) -> None:
        super().__init__()
        self.mix_2C = nn.Parameter(torch.stack((torch.ones(model_dim), torch.zeros(model_dim))))

    def forward(self, x_BTC: Tensor, x0_BTC: Tensor) -> Tensor:
        mix = self.mix_2C.to(x_BTC.dtype)
        return mix[0] * x_BTC + mix[1] * x0_BTC


class NoMix(nn.Module):
    """The block sees the residual stream alone."""

    def forward(self, x_BTC: Tensor, x0_BTC: Tensor) -> Tensor:
        return x_BTC


def build_mix(config: ModelConfig) -> nn.Module:
    """Return the mix of one block."""
    if config.x0_mix == "channel":
        return ChannelMix(config.model_dim)
    return ScalarMix() if config.x0_mix == "scalar" else NoMix()


class BranchScale(nn.Module):
    """A learned factor per channel on what a branch adds, one at the start, times a fixed one.

    Source: parameter-golf, ``attn_scale`` and ``mlp_scale``.
    """

    roles = {"scale_C": SCALAR}

    def __init__(self, model_dim: int, fixed: float) -> None:
        super().__init__()
        self.fixed = fixed
        self.scale_C = nn.Parameter(torch.ones(model_dim))

    def forward(self, added_BTC: Tensor) -> Tensor:
        return self.fixed * self.scale_C.to(added_BTC.dtype) * added_BTC


class FixedScale(nn.Module):
    """A fixed factor on what a branch adds."""

    def __init__(self, fixed: float) -> None:
        super().__init__()
        self.fixed = fixed

    def forward(self, added_BTC: Tensor) -> Tensor:
        return self.fixed * added_BTC


def build_branch_scale(config: ModelConfig, fixed: float) -> nn.Module:
    """Return the factor on one branch; ``fixed`` is 1 unless the depth scales it."""
    if config.branch_scale:
        return BranchScale(config.model_dim, fixed)
    return nn.Identity() if fixed == 1.0 else FixedScale(fixed)
