"""Formulas of a decoder for one vector at a time, in float64."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

F64 = torch.float64


EPS = torch.finfo(F64).eps


def norm(x: Tensor) -> Tensor:
    return x / torch.sqrt((x * x).mean() + EPS)


def sigmoid(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def chosen(text: str, depth: int) -> list[int]:
    """Return the layers of ``none``, ``all``, ``alternate``, ``last:3`` or ``0,2``."""
    if text == "none":
        return []
    if text == "alternate":
        return [i for i in range(depth) if i % 2 == (depth - 1) % 2]
    if text.startswith("last:"):
        return [i for i in range(depth) if i >= depth - int(text[5:])]
    return list(range(depth)) if text == "all" else [int(i) for i in text.split(",")]


def order(c: Any, loops: int) -> list[int]:
    """Return the blocks in the order in which they run."""
    stretch = list(range(c.loop_start, c.loop_end + 1))
    looped = [*range(c.loop_start), *stretch * (loops + 1), *range(c.loop_end + 1, c.depth)]
    return looped if loops else list(range(c.depth))


def pair_row(token: int, before: int | None, buckets: int) -> int:
    """Return the row of a pair of tokens; products wrap like 32-bit integers."""
    if before is None:
        return buckets - 1
    mixed = (36313 * token & 0xFFFFFFFF) ^ (27191 * before & 0xFFFFFFFF)
    return (mixed - 2**32 if mixed >= 2**31 else mixed) % (buckets - 1)


def turned(x: Tensor, place: int, speeds: Sequence[float]) -> Tensor:
    """Turn channels j and j + half of a head by minus place * speed."""
    out, half = x.clone(), len(speeds)
    for j, speed in enumerate(speeds):
        z = complex(x[j], x[j + half]) * complex(math.cos(place * speed), -math.sin(place * speed))
        out[j], out[j + half] = z.real, z.imag
    return out


def rotary(c: Any, seq_len: int) -> tuple[list[float], float]:
    """Return the angle per position of each pair, and the factor on the scores."""
    r = c.rope_dims or c.head_dim
    base, stretch = c.rope_base, max(1.0, seq_len / (c.rope_train_len or seq_len))
    if stretch > 1 and c.rope_scaling == "ntk":
        base *= stretch ** (r / (r - 2))
    speeds = [base ** (-2 * j / r) for j in range(r // 2)]
    if stretch == 1 or c.rope_scaling == "ntk":
        return speeds, 1.0
    for j, speed in enumerate(speeds):
        ramp = min(max((c.rope_train_len * speed / (2 * math.pi) - 1) / 31, 0.0), 1.0)
        speeds[j] = speed * ((1 - ramp) / stretch + ramp)
    return speeds, 0.2 * math.log(stretch) + 1


def averaged(weight: Tensor, heads: int, shared: int) -> Tensor:
    """Return a projection whose last ``shared`` rows of each head are their mean over heads."""
    weight, dim = weight.clone(), weight.size(0) // heads
    for row in range(dim - shared, dim):
        rows = [h * dim + row for h in range(heads)]
        weight[rows] = sum(weight[i] for i in rows) / heads
    return weight
