"""The tensors of a model by kind: what the workshop tells planning of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

CODED = ("attn", "mlp", "matrix", "embed")


class Kind(NamedTuple):
    """Tensors of one kind, as the workshop counts them and planning reads them.

    Attributes:
        kind: a name without its layer number.
        bucket: of the quantizer (``attn``, ``mlp``, ``embed``, ``gate``, ``pass``).
        group: of the optimizer.
        start: how it is filled at first (``zero``, ``uniform``, ...; ``table`` for others).
        number, rows, columns: of such tensors, and their shape as matrices.
        copies: rows of each that repeat others once shared heads are baked.
    """

    kind: str
    bucket: str
    group: str
    start: str
    number: int
    rows: int
    columns: int
    copies: int

    @property
    def entries(self) -> int:
        return self.number * self.rows * self.columns

    def is_coded(self, quant: Mapping[str, Any]) -> bool:
        """Say whether it becomes integers; the rest passes through as fp16."""
        return self.bucket in CODED or (self.bucket == "gate" and "quant.quant_gate" in quant)
