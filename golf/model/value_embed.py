"""Value embeddings: a table of the token's own value vector, added inside attention.

v <- v + g * table(token), g = 2 * sigmoid(first channels of the input) per key head, or 1.
Source: karpathy/autoresearch; arXiv 2410.17897 for value residuals.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.schema.model import ModelConfig
from golf.model.gate import HeadGate, OpenGate
from golf.model.roles import EMBED, GATE_MATRIX


class ValueEmbed(nn.Module):
    """One table per layer, uniform within ±sqrt(3 / model_dim) at the start."""

    roles = {"table_VE": EMBED}

    def __init__(self, vocab_size: int, n_kv_head: int, config: ModelConfig) -> None:
        super().__init__()
        self.shape = (n_kv_head, config.head_dim)
        bound = (3.0 / config.model_dim) ** 0.5
        width = n_kv_head * config.head_dim
        self.table_VE = nn.Parameter(torch.empty(vocab_size, width).uniform_(-bound, bound))
        self.gate = build_value_gate(config, n_kv_head)

    def forward(self, v_BTKD: Tensor, tokens_BT: Tensor, x_BTC: Tensor) -> Tensor:
        extra = F.embedding(tokens_BT, self.table_VE).to(v_BTKD.dtype).unflatten(-1, self.shape)
        gated: Tensor = self.gate(extra, x_BTC)
        return v_BTKD + gated


class NoValueEmbed(nn.Module):
    """Values come from the residual stream alone."""

    def forward(self, v_BTKD: Tensor, tokens_BT: Tensor, x_BTC: Tensor) -> Tensor:
        return v_BTKD


def build_value_gate(config: ModelConfig, n_kv_head: int) -> nn.Module:
    """Return a learned gate, or one that stays at the learned gate's initial value, 1."""
    if config.value_gate == "fixed":
        return OpenGate()
    return HeadGate(config.value_gate_width, n_kv_head, GATE_MATRIX)


def build_value_embed(
    layer: int, vocab_size: int, n_kv_head: int, config: ModelConfig
) -> nn.Module:
    """Return the part of one layer; ``alternate`` counts back from the last layer."""
    alternate = config.value_embed == "alternate" and layer % 2 == (config.depth - 1) % 2
    if config.value_embed == "all" or alternate:
        return ValueEmbed(vocab_size, n_kv_head, config)
    return NoValueEmbed()
