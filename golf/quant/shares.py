"""Which parts of a model an artifact's bytes belong to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from golf.quant.artifact import (
    Packing,
    general_of,
    halves_of,
    kind_names,
    matrices_of,
    sections_of,
    split_bytes,
)
from golf.quant.codec.compress import compress
from golf.quant.codec.entropy import Matrix
from golf.quant.codec.scale_model import entropy_bytes
from golf.quant.codec.shares import shares
from golf.quant.grid import Codes

Table = dict[str, dict[str, float]]
SCALES, PASSED = "scales", "passed"


def bytes_by_kind(packed: bytes, tensors: Mapping[str, Codes | Tensor], packing: Packing) -> Table:
    """Return what the codes of each kind of matrix take of a file.

    A kind is a name without its layer number; all low-rank factors are one. Each has
    ``matrices``, ``rows``, ``distinct_rows``, ``entries``, ``entropy_bytes`` (of order 0 over all
    its codes) and ``coded_bytes``. Coded bytes are exact where the kind has a stream of its own
    or the coder's tables price it; a general compressor of everything at once has them shared
    out by the entropy of distinct rows.
    ``scales`` and ``passed`` are what is stored as fp16, compressed apart. The header and the
    coder's tables are left out.

    Args:
        packed: the file.
        tensors: what it holds.
        packing: how it was packed.
    """
    coded = {n: t for n, t in tensors.items() if isinstance(t, Codes)}
    names = kind_names(coded)
    matrices = [m.codes.contiguous().numpy() for m in matrices_of(coded.values())]
    alike = {n: [m for m, k in zip(matrices, names, strict=True) if k == n] for n in names}
    table = {name: _counted(found) for name, found in alike.items()}
    parts, general = sections_of(packed, tensors), general_of(packing.compressor)
    if packing.compressor == "ans":
        sizes = _priced(names, matrices, parts.side, packing.quality)
    elif packing.layout.by_kind:
        sizes = dict(zip(table, map(float, parts.streams), strict=True))
    else:
        sizes = _shared_out(
            len(packed) - len(compress(general, parts.rest, packing.quality)), table
        )
    for name, size in sizes.items():
        table[name]["coded_bytes"] = size
    halves = halves_of(tensors)
    for name, part in ((SCALES, halves[: len(matrices)]), (PASSED, halves[len(matrices) :])):
        entries = sum(h.numel() for h in part)
        size = len(compress(general, split_bytes(part), packing.quality))
        table[name] = {"matrices": len(part), "entries": entries, "coded_bytes": size}
    return table


def _counted(matrices: list[Matrix]) -> dict[str, float]:
    counts = sum(np.bincount(m.ravel().astype(np.int16) + 128, minlength=256) for m in matrices)
    return {
        "matrices": len(matrices),
        "rows": sum(map(len, matrices)),
        "distinct_rows": sum(len({row.tobytes() for row in m}) for m in matrices),
        "entries": sum(m.size for m in matrices),
        "entropy_bytes": entropy_bytes(np.asarray(counts)),
    }


def _shared_out(whole: int, table: Table) -> dict[str, float]:
    """Return the bytes of each kind where all are compressed together.

    They are in step with entropy, and rows that repeat others take nothing.
    """
    weights = {
        n: line["entropy_bytes"] * line["distinct_rows"] / max(line["rows"], 1)
        for n, line in table.items()
    }
    total = max(sum(weights.values()), 1.0)
    return {n: whole * weight / total for n, weight in weights.items()}


def _priced(
    names: list[str], matrices: list[Matrix], side: bytes, quality: int
) -> dict[str, float]:
    """Return bytes by golf's coder: of integers, and of what the side section says of them."""
    ratio = len(compress("brotli", side, quality)) / max(len(side), 1)
    sizes, kinds = dict.fromkeys(names, 0.0), list(dict.fromkeys(names))
    priced = shares(matrices, [kinds.index(n) for n in names], side)
    for name, share in zip(names, priced, strict=True):
        sizes[name] += share.coded + ratio * share.side
    return sizes
