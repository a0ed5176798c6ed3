"""What else enters the values of attention: the token's own vector, the first layer's values.

v <- v + g * table(token), g = 2 * sigmoid(first channels of the input) per key head, or 1
(karpathy/autoresearch); one shared narrow table (parameter-golf, March 2026 stacks);
v <- a * v_first + b * v (arXiv 2410.17897).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.layers import layer_set
from golf.config.schema.model import ModelConfig
from golf.model.carry import Carry
from golf.model.gate import HeadGate, OpenGate, Sources
from golf.model.linear import Linear
from golf.model.roles import EMBED, SCALAR, VALUE_GATE


class ValueEmbed(nn.Module):
    """One table per layer, uniform within ±sqrt(3 / model_dim) at the start."""

    roles = {"table_VE": EMBED}

    def __init__(self, vocab_size: int, n_kv_head: int, config: ModelConfig) -> None:
        super().__init__()
        self.shape = (n_kv_head, config.head_dim)
        bound = (3.0 / config.model_dim) ** 0.5
        table = torch.empty(vocab_size, n_kv_head * config.head_dim).uniform_(-bound, bound)
        self.table_VE = nn.Parameter(table.to(getattr(torch, config.embed_dtype)))
        self.gate = build_value_gate(config, n_kv_head)

    def forward(self, v_BTKD: Tensor, carry: Carry, sources: Sources) -> Tensor:
        rows = F.embedding(carry.tokens_BT, self.table_VE)
        gated: Tensor = self.gate(rows.to(v_BTKD.dtype).unflatten(-1, self.shape), sources)
        return v_BTKD + gated


class NarrowTable(nn.Module):
    """One table (V, E) for all layers, projected to their values, times a factor, 0.1 at first."""

    roles = {"table_VE": EMBED, "factor_1": SCALAR}

    def __init__(self, vocab_size: int, n_kv_head: int, config: ModelConfig) -> None:
        super().__init__()
        width = config.value_embed_dim or 0
        table = torch.empty(vocab_size, width).normal_(0.0, 0.01)
        self.table_VE = nn.Parameter(table.to(getattr(torch, config.embed_dtype)))
        self.project = Linear(width, n_kv_head * config.head_dim, SCALAR, config.init)
        self.factor_1 = nn.Parameter(torch.full((1,), 0.1))

    def forward(self, tokens_BT: Tensor, dtype: torch.dtype) -> Tensor:
        rows: Tensor = self.project(F.embedding(tokens_BT, self.table_VE).to(dtype))
        return self.factor_1.to(dtype) * rows


class NoTable(nn.Module):
    """Layers have tables of their own, or none."""

    def forward(self, tokens_BT: Tensor, dtype: torch.dtype) -> None:
        return None


def build_value_table(vocab_size: int, config: ModelConfig) -> nn.Module:
    """Return the table that the model's layers share, if they do."""
    if config.value_embed == "none" or config.value_embed_dim is None:
        return NoTable()
    n_kv_head = config.n_kv_head or config.model_dim // config.head_dim
    return NarrowTable(vocab_size, n_kv_head, config)


class SharedValueEmbed(nn.Module):
    """A layer's factor on what the shared table gives, one at the start."""

    roles = {"factor_1": SCALAR}

    def __init__(self, head_dim: int) -> None:
        super().__init__()
        self.head_dim = head_dim
        self.factor_1 = nn.Parameter(torch.ones(1))

    def forward(self, v_BTKD: Tensor, carry: Carry, sources: Sources) -> Tensor:
        assert carry.values_BTC is not None, "the model owns the shared table"
        extra: Tensor = carry.values_BTC.unflatten(-1, (-1, self.head_dim))
        return v_BTKD + self.factor_1.to(v_BTKD.dtype) * extra


class NoValueEmbed(nn.Module):
    """Values come from the residual stream alone."""

    def forward(self, v_BTKD: Tensor, carry: Carry, sources: Sources) -> Tensor:
        return v_BTKD


def build_value_gate(config: ModelConfig, n_kv_head: int) -> nn.Module:
    """Return a learned gate, or one that stays at the learned gate's initial value, 1."""
    if config.value_gate == "fixed":
        return OpenGate()
    return HeadGate(config.value_gate_width, n_kv_head, VALUE_GATE)


def build_value_embed(
    layer: int, vocab_size: int, n_kv_head: int, config: ModelConfig
) -> nn.Module:
    """Return the part of one layer."""
    if layer not in layer_set(config.value_embed, config.depth):
        return NoValueEmbed()
    if config.value_embed_dim is not None:
        return SharedValueEmbed(config.head_dim)
    return ValueEmbed(vocab_size, n_kv_head, config)


class FirstValue(nn.Module):
    """Remember the values of the first block for the later ones."""

    def forward(self, v_BTKD: Tensor, carry: Carry) -> Tensor:
        carry.first_v_BTKD = v_BTKD
        return v_BTKD


class ValueResidual(nn.Module):
    """v <- a * v_first + b * v, both learned, half at the start."""

    roles = {"mix_2": SCALAR}

    def __init__(self) -> None:
        super().__init__()
        self.mix_2 = nn.Parameter(torch.full((2,), 0.5))

    def forward(self, v_BTKD: Tensor, carry: Carry) -> Tensor:
        assert carry.first_v_BTKD is not None, "the first block runs first"
        mix = self.mix_2.to(v_BTKD.dtype)
        return mix[0] * carry.first_v_BTKD + mix[1] * v_BTKD


class OwnValue(nn.Module):
    """Each layer attends to its own values."""

    def forward(self, v_BTKD: Tensor, carry: Carry) -> Tensor:
        return v_BTKD


def build_value_residual(config: ModelConfig, layer: int) -> nn.Module:
    """Return the part of one layer."""
    if not config.value_residual:
        return OwnValue()
    return FirstValue() if layer == 0 else ValueResidual()
