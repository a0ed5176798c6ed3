"""Low-rank adapters that tell the passes of a loop apart.

delta = (x A) B on queries, keys, values and the output projection, per pass and block.
Source: parameter-golf PR 1125, row 39.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.linear import Linear
from golf.model.roles import ADAPTER
from golf.model.route import Slot, build_route

ADAPTED = ("q", "k", "v", "out")


class Adapter(nn.Module):
    """A starts uniform (Kaiming, a = sqrt 5), B at zero: no change at first."""

    roles = {"a_CR": ADAPTER, "b_RC": ADAPTER}

    def __init__(self, n_in: int, n_out: int, rank: int) -> None:
        super().__init__()
        bound = rank**-0.5
        self.a_CR = nn.Parameter(torch.empty(n_in, rank).uniform_(-bound, bound))
        self.b_RC = nn.Parameter(torch.zeros(rank, n_out))

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.a_CR.to(x.dtype)) @ self.b_RC.to(x.dtype)


class LoopAdapters(nn.Module):
    """A tap that adds each pass's own adapter to the maps of the blocks that it runs."""

    def __init__(self, config: ModelConfig, maps: list[dict[str, Linear]]) -> None:
        super().__init__()
        passes = [nn.ModuleDict() for _ in range(config.loop_count + 1)]
        for slot in build_route(config, config.loop_count):
            adapters = _adapters(maps[slot.layer], config.loop_lora_rank)
            passes[slot.passed][str(slot.layer)] = adapters
        self.passes = nn.ModuleList(passes)

    def forward(self, slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        if name not in ADAPTED:
            return y
        adapters = self.passes[slot.passed][str(slot.layer)]  # type: ignore[index]
        delta: Tensor = adapters[name](x)
        return y + delta


def _adapters(maps: dict[str, Linear], rank: int) -> nn.ModuleDict:
    return nn.ModuleDict(
        {n: Adapter(m.master.size(1), m.master.size(0), rank) for n, m in maps.items()}
    )
