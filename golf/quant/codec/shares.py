"""Whose bytes a coded section holds: each matrix's share, without coding it apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from golf.quant.codec import rans
from golf.quant.codec.entropy import COLUMNS, ROWS, TREE, Matrix, Part, read_side
from golf.quant.codec.row_tree import subtract
from golf.quant.codec.scale_model import frequencies


class Share(NamedTuple):
    """Bytes of a matrix.

    Attributes:
        coded: of its integers, by the coder's own tables.
        side: of its levels, parents and factors, before they are compressed.
    """

    coded: float
    side: int


def shares(matrices: Sequence[Matrix], kinds: Sequence[int], side: bytes) -> list[Share]:
    """Return what each matrix takes of what ``entropy.encode`` made.

    Args:
        matrices: what was encoded.
        kinds: their kinds, as ``encode`` was given them.
        side: the side section that it returned.
    """
    parts, tables = read_side([(len(m), m.shape[1]) for m in matrices], kinds, side)
    bits = [_bits(k.tables) for k in tables]
    found = []
    for part, matrix in zip(parts, matrices, strict=True):
        table, lowest = bits[part.kind], tables[part.kind].lowest
        codes = matrix.astype(np.int16)
        rest = subtract(codes, part.parents, part.factors) if part.flags & TREE else codes
        inside = (part.classes() - lowest).clip(0, len(table) - 1)
        found.append(Share(float(table[inside, rest + 128].sum()) / 8, _side_bytes(part)))
    return found


def _bits(tables: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return what each symbol costs in each class; symbols without a frequency do not occur."""
    found: NDArray[np.float64] = np.log2(rans.TOTAL / np.maximum(frequencies(tables), 1))
    return found


def _side_bytes(part: Part) -> int:
    rows, columns = map(int, part.rest.shape)
    per_row = (1 if part.flags & ROWS else 0) + (3 if part.flags & TREE else 0)
    return per_row * rows + (columns if part.flags & COLUMNS else 0)
