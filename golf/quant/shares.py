"""Which parts of a model an artifact's bytes belong to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from golf.quant.artifact import (
    Packing,
    general_of,
    halves_of,
    matrices_of,
    sections_of,
    split_bytes,
)
from golf.quant.codec.compress import compress
from golf.quant.codec.entropy import Matrix
from golf.quant.codec.scale_model import entropy_bytes
from golf.quant.codec.shares import shares
from golf.quant.entry import kind_names
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
    table = {name: _counted(found) | {"coded_bytes": 0.0} for name, found in alike.items()}
    for name, size in zip(names, bytes_by_matrix(packed, tensors, packing), strict=True):
        table[name]["coded_bytes"] += size
    halves, sizes = halves_of(tensors), fp16_bytes(tensors, packing)
    parts = halves[: len(matrices)], halves[len(matrices) :]
    for name, part, size in zip((SCALES, PASSED), parts, sizes, strict=True):
        entries = sum(h.numel() for h in part)
        table[name] = {"matrices": len(part), "entries": entries, "coded_bytes": size}
    return table


def fp16_bytes(tensors: Mapping[str, Codes | Tensor], packing: Packing) -> tuple[int, int]:
    """Return the bytes of all scales, and of what passes through, each compressed apart."""
    general, halves = general_of(packing.compressor), halves_of(tensors)
    scales = len(matrices_of(t for t in tensors.values() if isinstance(t, Codes)))
    parts = (split_bytes(part) for part in (halves[:scales], halves[scales:]))
    first, second = (len(compress(general, part, packing.quality)) for part in parts)
    return first, second


def bytes_by_matrix(
    packed: bytes, tensors: Mapping[str, Codes | Tensor], packing: Packing
) -> list[float]:
    """Return the coded bytes of each of ``matrices_of``; see ``bytes_by_kind``.

    Within a stream of its own kind, as where all are compressed together, bytes are shared out.
    """
    coded = {n: t for n, t in tensors.items() if isinstance(t, Codes)}
    names = kind_names(coded)
    matrices = [m.codes.contiguous().numpy() for m in matrices_of(coded.values())]
    parts, general = sections_of(packed, tensors), general_of(packing.compressor)
    if packing.compressor == "ans":
        return _priced(names, matrices, parts.side, packing.quality)
    if not packing.layout.by_kind:
        whole = len(packed) - len(compress(general, parts.rest, packing.quality))
        return _shared_out(whole, matrices)
    sizes = [0.0] * len(names)
    for kind, stream in zip(dict.fromkeys(names), parts.streams, strict=True):
        places = [i for i, name in enumerate(names) if name == kind]
        for i, size in zip(places, _shared_out(stream, [matrices[i] for i in places]), strict=True):
            sizes[i] = size
    return sizes


def _counted(matrices: list[Matrix]) -> dict[str, float]:
    counts = sum(np.bincount(m.ravel().astype(np.int16) + 128, minlength=256) for m in matrices)
    return {
        "matrices": len(matrices),
        "rows": sum(map(len, matrices)),
        "distinct_rows": sum(len({row.tobytes() for row in m}) for m in matrices),
        "entries": sum(m.size for m in matrices),
        "entropy_bytes": entropy_bytes(np.asarray(counts)),
    }


def _shared_out(whole: int, matrices: list[Matrix]) -> list[float]:
    """Return the bytes of each matrix where all are compressed together.

    They are in step with entropy, and rows that repeat others take nothing.
    """
    lines = [_counted([m]) for m in matrices]
    weights = [n["entropy_bytes"] * n["distinct_rows"] / max(n["rows"], 1) for n in lines]
    total = max(sum(weights), 1.0)
    return [whole * weight / total for weight in weights]


def _priced(names: list[str], matrices: list[Matrix], side: bytes, quality: int) -> list[float]:
    """Return bytes by golf's coder: of integers, and of what the side section says of them."""
    ratio = len(compress("brotli", side, quality)) / max(len(side), 1)
    kinds = list(dict.fromkeys(names))
    priced = shares(matrices, [kinds.index(n) for n in names], side)
    return [share.coded + ratio * share.side for share in priced]
