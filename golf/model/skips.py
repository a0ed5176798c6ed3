"""Outputs of earlier blocks brought back: U-Net skips, and the middle of the stream taken out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.carry import Lanes
from golf.model.roles import SCALAR
from golf.model.route import Slot, build_route


class NoSkips(nn.Module):
    """A block reads what the one before it left."""

    def forward(self, lanes: Lanes, outputs: Sequence[Lanes], slot: Slot) -> Lanes:
        return lanes


class PlainSkips(nn.Module):
    """x <- x + w * skip, w one at the start; on the first lane. Source: modded-nanogpt."""

    roles = {"weights_SC": SCALAR}

    def __init__(self, rows: int, model_dim: int) -> None:
        super().__init__()
        self.weights_SC = nn.Parameter(torch.ones(rows, model_dim))

    def forward(self, lanes: Lanes, outputs: Sequence[Lanes], slot: Slot) -> Lanes:
        if slot.skip is None:
            return lanes
        row, source = slot.skip
        skip = self.weights_SC[row].to(lanes[0].dtype) * outputs[source][0]
        return self.join(lanes[0], skip, row), lanes[1]

    def join(self, x_BTC: Tensor, skip_BTC: Tensor, row: int) -> Tensor:
        """Return the stream with the weighted skip in it."""
        return x_BTC + skip_BTC


class GatedSkips(PlainSkips):
    """x <- (1 - g) * w * skip + g * x with g = sigmoid(learned), half at the start."""

    roles = {"weights_SC": SCALAR, "gates_SC": SCALAR}

    def __init__(self, rows: int, model_dim: int) -> None:
        super().__init__(rows, model_dim)
        self.gates_SC = nn.Parameter(torch.zeros(rows, model_dim))

    def join(self, x_BTC: Tensor, skip_BTC: Tensor, row: int) -> Tensor:
        gate = torch.sigmoid(self.gates_SC[row].to(x_BTC.dtype))
        return torch.lerp(skip_BTC, x_BTC, gate)


def build_skips(config: ModelConfig) -> nn.Module:
    """Return the skips; there are weights for every skip of the looped route."""
    rows = len(build_route(config, config.loop_count)) // 2
    if config.skips == "none" or not rows:
        return NoSkips()
    kind = GatedSkips if config.skips == "gated" else PlainSkips
    return kind(rows, config.model_dim)


class Backout(nn.Module):
    """x <- x - b * (the stream after block n // 2 of n). Source: karpathy/nanochat."""

    roles = {"weight_1": SCALAR}

    def __init__(self, start: float) -> None:
        super().__init__()
        self.weight_1 = nn.Parameter(torch.full((1,), start))

    def forward(self, x_BTC: Tensor, outputs: Sequence[Lanes]) -> Tensor:
        middle = outputs[len(outputs) // 2][0][:, -x_BTC.size(1) :]
        return x_BTC - self.weight_1.to(x_BTC.dtype) * middle


class NoBackout(nn.Module):
    """The head reads the whole stream."""

    def forward(self, x_BTC: Tensor, outputs: Sequence[Lanes]) -> Tensor:
        return x_BTC


def build_backout(start: float | None) -> nn.Module:
    """Return the part that takes the middle out, or one that does not."""
    return NoBackout() if start is None else Backout(start)
