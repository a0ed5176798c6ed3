"""Rotary position embedding on the leading channels of each head.

Half-split pairs (j, j + r/2) of the first r channels turn by the angle p * base^(-2j/r).
Source: arXiv 2104.09864; partial rotation as in GPT-J.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Rope(nn.Module):
    """Turns queries and keys; tables are float32, for positions up to ``seq_len``."""

    cos_TR: Tensor
    sin_TR: Tensor

    def __init__(self, rope_dims: int, base: float, seq_len: int) -> None:
        super().__init__()
        self.rope_dims = rope_dims
        wavelengths = base ** (-torch.arange(0, rope_dims, 2, dtype=torch.float32) / rope_dims)
        angles = torch.outer(torch.arange(seq_len, dtype=torch.float32), wavelengths)
        self.register_buffer("cos_TR", angles.cos(), persistent=False)
        self.register_buffer("sin_TR", angles.sin(), persistent=False)

    def forward(self, x_BTHD: Tensor) -> Tensor:
        cos = self.cos_TR[: x_BTHD.size(1), None, :].to(x_BTHD.dtype)
        sin = self.sin_TR[: x_BTHD.size(1), None, :].to(x_BTHD.dtype)
        half = self.rope_dims // 2
        a, b, rest = x_BTHD.split((half, half, x_BTHD.size(-1) - 2 * half), dim=-1)
        return torch.cat((a * cos + b * sin, b * cos - a * sin, rest), dim=-1)


def build_rope(rope_dims: int, head_dim: int, base: float, seq_len: int) -> Rope:
    """Return the embedding; 0 turns the whole head."""
    return Rope(rope_dims or head_dim, base, seq_len)
