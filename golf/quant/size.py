"""How many bytes codes take, without compressing them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from golf.quant.codec.scale_model import entropy_bytes
from golf.quant.grid import Codes

FLOOR_TOLERANCE = 1.001  # fp16 rounds the floor itself


def coded_bytes(tensors: Mapping[str, Codes | Tensor]) -> float:
    """Return the order-0 entropy of the codes, each tensor by itself, in bytes."""
    coded = (t.codes for t in tensors.values() if isinstance(t, Codes))
    return sum(entropy_bytes((c.flatten().int() + 128).bincount().numpy()) for c in coded)


def share_on_floor(tensors: Mapping[str, Codes | Tensor], floor: float) -> float:
    """Return the share of rows whose step is the floor and not their own; 0 without a floor."""
    rows = [t.scales.float() for t in tensors.values() if isinstance(t, Codes)]
    count = sum(len(r) for r in rows)
    if not floor or not count:
        return 0.0
    return sum(int((r <= floor * FLOOR_TOLERANCE).sum()) for r in rows) / count
