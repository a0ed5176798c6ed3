"""Grouped-query attention with its optional parts in fixed slots."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.attend import Attend
from golf.model.carry import Carry
from golf.model.exclude import build_exclude
from golf.model.gate import Sources, build_gate
from golf.model.linear import Linear, RmsNorm, SharedHeadLinear
from golf.model.roles import ATTN_MATRIX, SCALAR
from golf.model.rope import build_rope
from golf.model.value_embed import build_value_embed, build_value_residual


class QueryGain(nn.Module):
    """A learned factor per query head: it sets how sharp attention can get after QK-norm."""

    roles = {"gain_H": SCALAR}

    def __init__(self, n_head: int, start: float) -> None:
        super().__init__()
        self.gain_H = nn.Parameter(torch.full((n_head,), start))

    def forward(self, q_BTHD: Tensor) -> Tensor:
        return q_BTHD * self.gain_H[:, None].to(q_BTHD.dtype)


def build_query_gain(n_head: int, start: float | None) -> nn.Module:
    """Return the gain, or nothing at all for None."""
    return nn.Identity() if start is None else QueryGain(n_head, start)


class Attention(nn.Module):
    """Project, complete the values, normalise q and k, turn, attend, gate, project back."""

    def __init__(
        self,
        config: ModelConfig,
        layer: int,
        vocab_size: int,
        seq_len: int,
        window: int | None,
        attend: Attend,
    ) -> None:
        super().__init__()
        self.head_dim, self.seq_len = config.head_dim, seq_len
        n_head = config.model_dim // config.head_dim
        n_kv_head = config.n_kv_head or n_head
        self.q, self.k = (_head_linear(config, heads) for heads in (n_head, n_kv_head))
        kv_width = n_kv_head * self.head_dim
        self.v = Linear(config.model_dim, kv_width, ATTN_MATRIX, config.init)
        self.out = Linear(n_head * self.head_dim, config.model_dim, ATTN_MATRIX, "zero")
        self.value_embed = build_value_embed(layer, vocab_size, n_kv_head, config)
        self.value_residual = build_value_residual(config, layer)
        self.norm = RmsNorm() if config.qk_norm else nn.Identity()  # arXiv 2302.05442
        self.rope = build_rope(config, seq_len)
        self.query_gain = build_query_gain(n_head, config.q_gain)
        self.exclude = build_exclude(config, layer, n_head)
        self.gate = build_gate(config, n_head)
        self.window = window
        self.scale = self.rope.sharpness * self.head_dim**-0.5
        self.attend = attend

    def forward(self, x_BTC: Tensor, residual_BTC: Tensor, carry: Carry) -> Tensor:
        q_BTC = carry.through("q", self.q, carry.end(x_BTC))
        sources = Sources(x_BTC, residual_BTC, q_BTC)
        k = self._heads(carry.through("k", self.k, x_BTC))
        v = self._heads(carry.through("v", self.v, x_BTC))
        v = self.value_residual(self.value_embed(v, carry, sources), carry)
        cos, sin = turn = self.rope.at(x_BTC.size(1), carry.starts_BT)
        q_turn = (carry.end(cos, -3), carry.end(sin, -3))
        q = self.query_gain(self.rope(self.norm(self._heads(q_BTC)), q_turn))
        k = self.rope(self.norm(k), turn)
        reach = self._reach(carry.starts_BT)
        y = self.attend(q, k, v, reach, self.scale, carry.starts_BT, carry.masks)
        sources = Sources(carry.end(x_BTC), carry.end(residual_BTC), q_BTC)
        y_BTHD = self.gate(self.exclude(y, carry.end(v)), sources)
        return carry.through("out", self.out, y_BTHD.flatten(2))

    def _heads(self, x_BTC: Tensor) -> Tensor:
        x_BTHD: Tensor = x_BTC.unflatten(-1, (-1, self.head_dim))
        return x_BTHD

    def _reach(self, starts_BT: Tensor | None) -> int | None:
        """Return the window; no document of a packed row is longer than a sequence."""
        if starts_BT is None or self.window is not None:
            return self.window
        return self.seq_len - 1


def _head_linear(config: ModelConfig, heads: int) -> Linear:
    """Return a projection to queries or keys."""
    if config.shared_head_dim:
        return SharedHeadLinear(
            config.model_dim, heads, config.head_dim, config.shared_head_dim, ATTN_MATRIX,
            config.init,
        )  # fmt: skip
    return Linear(config.model_dim, heads * config.head_dim, ATTN_MATRIX, config.init)
