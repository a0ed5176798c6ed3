"""Grouped-query attention with its optional parts in fixed slots."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.attend import Attend
from golf.model.gate import build_gate
from golf.model.linear import Linear, rms_norm
from golf.model.roles import ATTN_MATRIX, SCALAR
from golf.model.rope import build_rope
from golf.model.value_embed import build_value_embed


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
    """Project, add value embeddings, normalise q and k, turn, attend, gate, project back."""

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
        width, self.head_dim = config.model_dim, config.head_dim
        n_head = width // self.head_dim
        n_kv_head = config.n_kv_head or n_head
        self.q = Linear(width, n_head * self.head_dim, ATTN_MATRIX)
        self.k = Linear(width, n_kv_head * self.head_dim, ATTN_MATRIX)
        self.v = Linear(width, n_kv_head * self.head_dim, ATTN_MATRIX)
        self.out = Linear(n_head * self.head_dim, width, ATTN_MATRIX, zero=True)
        self.value_embed = build_value_embed(layer, vocab_size, n_kv_head, config)
        self.rope = build_rope(config.rope_dims, self.head_dim, config.rope_base, seq_len)
        self.query_gain = build_query_gain(n_head, config.q_gain)
        self.gate = build_gate(config.attn_gate, config.gate_width, n_head)
        self.window = window
        self.attend = attend

    def forward(self, x_BTC: Tensor, tokens_BT: Tensor) -> Tensor:
        q, k, v = (self._heads(part(x_BTC)) for part in (self.q, self.k, self.v))
        v = self.value_embed(v, tokens_BT, x_BTC)
        q = self.query_gain(self.rope(rms_norm(q)))
        k = self.rope(rms_norm(k))
        y_BTHD = self.gate(self.attend(q, k, v, self.window), x_BTC)
        out: Tensor = self.out(y_BTHD.flatten(2))
        return out

    def _heads(self, x_BTC: Tensor) -> Tensor:
        x_BTHD: Tensor = x_BTC.unflatten(-1, (-1, self.head_dim))
        return x_BTHD
