"""Rotary position embedding on the leading channels of each head.

Half-split pairs (j, j + r/2) of the first r channels turn by the angle p * base^(-2j/r).
Source: arXiv 2104.09864; partial rotation as in GPT-J.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig

YARN_FAST, YARN_SLOW = 32.0, 1.0


class Rope(nn.Module):
    """Turns queries and keys; tables are float32, for positions up to ``seq_len``.

    ``sharpness`` is the factor on attention's logits that belongs to the frequencies.
    """

    cos_TR: Tensor
    sin_TR: Tensor

    def __init__(self, frequencies_R: Tensor, seq_len: int, sharpness: float) -> None:
        super().__init__()
        self.sharpness = sharpness
        angles = torch.outer(torch.arange(seq_len, dtype=torch.float32), frequencies_R)
        self.register_buffer("cos_TR", angles.cos(), persistent=False)
        self.register_buffer("sin_TR", angles.sin(), persistent=False)

    def at(self, length: int, starts_BT: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return cosines and sines of each token's place in its document, (.., T, 1, R)."""
        if starts_BT is None:
            return self.cos_TR[:length, None], self.sin_TR[:length, None]
        places = torch.arange(length, device=starts_BT.device) - starts_BT
        return self.cos_TR[places].unsqueeze(2), self.sin_TR[places].unsqueeze(2)

    def forward(self, x_BTHD: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        cos, sin = (t.to(x_BTHD.dtype) for t in turn)
        half = cos.size(-1)
        a, b, rest = x_BTHD.split((half, half, x_BTHD.size(-1) - 2 * half), dim=-1)
        return torch.cat((a * cos + b * sin, b * cos - a * sin, rest), dim=-1)


def frequencies(rope_dims: int, base: float) -> Tensor:
    """Return the angle per position of each pair, (rope_dims / 2,) float32."""
    return base ** (-torch.arange(0, rope_dims, 2, dtype=torch.float32) / rope_dims)


def ntk_base(base: float, rope_dims: int, stretch: float) -> float:
    """Return the base that keeps the slowest wavelength's share of a stretched sequence."""
    return float(base * stretch ** (rope_dims / (rope_dims - 2)))


def yarn_frequencies(plain_R: Tensor, train_len: int, stretch: float) -> Tensor:
    """Slow down the frequencies that turn few times within ``train_len`` (arXiv 2309.00071)."""
    turns = train_len * plain_R / (2 * math.pi)
    kept = ((turns - YARN_SLOW) / (YARN_FAST - YARN_SLOW)).clamp(0.0, 1.0)
    return plain_R * (1 / stretch + kept * (1 - 1 / stretch))


def build_rope(config: ModelConfig, seq_len: int) -> Rope:
    """Return the embedding; sequences longer than ``rope_train_len`` have it stretched."""
    dims = config.rope_dims or config.head_dim
    stretch = max(1.0, seq_len / (config.rope_train_len or seq_len))
    if stretch > 1.0 and config.rope_scaling == "ntk":
        return Rope(frequencies(dims, ntk_base(config.rope_base, dims, stretch)), seq_len, 1.0)
    plain = frequencies(dims, config.rope_base)
    if stretch > 1.0:
        slowed = yarn_frequencies(plain, config.rope_train_len or seq_len, stretch)
        return Rope(slowed, seq_len, 0.2 * math.log(stretch) + 1.0)
    return Rope(plain, seq_len, 1.0)
