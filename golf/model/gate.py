"""Gates on the heads of attention: on their outputs, and on their value embeddings.

A gate reads the first channels of a source: attention's normalised input, the residual stream
before the norm, or the raw queries.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.roles import CODED_GATE, SCALAR, Role


class Sources(NamedTuple):
    """What an output gate may read, each (B, T, channels)."""

    normed: Tensor
    residual: Tensor
    q: Tensor


class HeadGate(nn.Module):
    """Scale each head by opening * sigmoid(scale * first channels of the source).

    Zero-initialised with opening 2, so every gate is exactly 1 at step 0 and a gated model
    starts out equal to an ungated one. Source: parameter-golf PR 1667 (outputs) and 1787
    (opening 1, "sparse"), karpathy/autoresearch (values).
    """

    opening, scale = 2.0, 1.0

    def __init__(self, width: int, heads: int, role: Role, source: str = "normed") -> None:
        super().__init__()
        self.width = width
        self.source = Sources._fields.index(source)
        self.table_HW = nn.Parameter(torch.zeros(heads, width))
        self.roles = {"table_HW": role}

    def forward(self, y_BTHD: Tensor, sources: Sources) -> Tensor:
        source_BTC = sources[self.source]
        table = self.table_HW.to(source_BTC.dtype)
        opened_BTH = self.opened(source_BTC[..., : self.width] @ table.T)
        return y_BTHD * opened_BTH.unsqueeze(-1)

    def opened(self, z_BTH: Tensor) -> Tensor:
        """Return how far each gate is open."""
        return self.opening * torch.sigmoid(self.scale * z_BTH)


class SparseGate(HeadGate):
    """Half open at the start, whatever the scale. Source: parameter-golf PR 1787."""

    opening = 1.0

    def __init__(self, width: int, heads: int, scale: float, source: str) -> None:
        super().__init__(width, heads, CODED_GATE, source)
        self.scale = scale


class FullGate(HeadGate):
    """Reads all channels, about half open at the start. Source: arXiv 2505.06708."""

    opening = 1.0

    def __init__(self, width: int, heads: int, source: str) -> None:
        super().__init__(width, heads, CODED_GATE, source)
        nn.init.normal_(self.table_HW, std=0.01)


class BiasGate(HeadGate):
    """Reads all channels and has a bias; almost open at the start (parameter-golf PR 399)."""

    opening = 1.0

    def __init__(self, width: int, heads: int, source: str) -> None:
        super().__init__(width, heads, SCALAR, source)
        self.bias_H = nn.Parameter(torch.full((heads,), 4.0))
        self.roles["bias_H"] = SCALAR

    def opened(self, z_BTH: Tensor) -> Tensor:
        return super().opened(z_BTH + self.bias_H.to(z_BTH.dtype))


class OpenGate(nn.Module):
    """Leave the heads as they are."""

    def forward(self, y_BTHD: Tensor, sources: Sources) -> Tensor:
        return y_BTHD


def build_gate(config: ModelConfig, n_head: int) -> nn.Module:
    """Return the gate on the heads' outputs."""
    source = config.gate_src
    channels = n_head * config.head_dim if source == "q" else config.model_dim
    if config.attn_gate == "out_gate":
        return HeadGate(config.gate_width, n_head, SCALAR, source)
    if config.attn_gate == "sparse":
        return SparseGate(config.gate_width, n_head, config.gate_scale, source)
    if config.attn_gate == "gated":
        return FullGate(channels, n_head, source)
    return BiasGate(channels, n_head, source) if config.attn_gate == "bias" else OpenGate()
