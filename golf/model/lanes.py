"""Two lanes of the residual stream: attention reads the first, the MLP the second."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.carry import Lanes
from golf.model.roles import SCALAR


class OneLane(nn.Module):
    """Blocks write to one stream; the two entries of a pair are the same tensor."""

    def merge(self, lanes: Lanes) -> Tensor:
        """Return what goes to the head."""
        return lanes[0]


class TwoLanes(nn.Module):
    """Each lane keeps r of itself and takes weighted parts of what both branches add.

    Rows for all blocks, also those before the lanes part. Source: parameter-golf PR 1530.
    """

    roles = {"keep_L2": SCALAR, "write_L22": SCALAR}

    def __init__(self, depth: int, out: str) -> None:
        super().__init__()
        self.keep_L2 = nn.Parameter(torch.full((depth, 2), 1.1))
        self.write_L22 = nn.Parameter(torch.ones(depth, 2, 2))
        self.share = {"mean": (0.5, 0.5), "attn": (1.0, 0.0), "mlp": (0.0, 1.0)}[out]

    def forward(self, layer: int, lanes: Lanes, attn_BTC: Tensor, mlp_BTC: Tensor) -> Lanes:
        dtype = attn_BTC.dtype
        keep, write = self.keep_L2[layer].to(dtype), self.write_L22[layer].to(dtype)
        first = keep[0] * lanes[0] + write[0, 0] * attn_BTC + write[1, 0] * mlp_BTC
        second = keep[1] * lanes[1] + write[0, 1] * attn_BTC + write[1, 1] * mlp_BTC
        return first, second

    def merge(self, lanes: Lanes) -> Tensor:
        """Return what goes to the head."""
        return self.share[0] * lanes[0] + self.share[1] * lanes[1]


def build_lanes(config: ModelConfig) -> OneLane | TwoLanes:
    """Return how lanes are mixed and merged."""
    if config.parallel == "two_lane":
        return TwoLanes(config.depth, config.lanes_out)
    return OneLane()
