"""Which kinds of matrix an artifact's bytes belong to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from golf.quant.artifact import Packing, general_of, kind_names, matrices_of, sections_of
from golf.quant.codec.compress import compress
from golf.quant.codec.entropy import Matrix
from golf.quant.codec.scale_model import entropy_bytes
from golf.quant.codec.shares import shares
from golf.quant.grid import Codes

Table = dict[str, dict[str, float]]


def bytes_by_kind(packed: bytes, tensors: Mapping[str, Codes | Tensor], packing: Packing) -> Table:
    """Return what the codes of each kind of matrix take of a file.

    A kind is a name without its layer number; all low-rank factors are one. Each has
    ``matrices``, ``rows``, ``entries``, ``entropy_bytes`` (order 0, each matrix by itself) and
    ``coded_bytes``. Coded bytes are exact where the kind has a stream of its own or the coder's
    tables price it; a general compressor of everything at once has them shared out by entropy.

    Args:
        packed: the file.
        tensors: what it holds.
        packing: how it was packed.
    """
    coded = {n: t for n, t in tensors.items() if isinstance(t, Codes)}
    names = kind_names(coded)
    matrices = [m.codes.contiguous().numpy() for m in matrices_of(coded.values())]
    entropies = [entropy_bytes(np.bincount(m.ravel().astype(np.int16) + 128)) for m in matrices]
    table: Table = {}
    for name, matrix, entropy in zip(names, matrices, entropies, strict=True):
        line = table.setdefault(name, dict.fromkeys(("matrices", "rows", "entries"), 0.0))
        line["matrices"] += 1
        line["rows"] += len(matrix)
        line["entries"] += matrix.size
        line["entropy_bytes"] = line.get("entropy_bytes", 0.0) + entropy
    for name, size in _coded(packed, tensors, packing, names, matrices, entropies).items():
        table[name]["coded_bytes"] = size
    return table


def _coded(
    packed: bytes,
    tensors: Mapping[str, Codes | Tensor],
    packing: Packing,
    names: list[str],
    matrices: list[Matrix],
    entropies: list[float],
) -> dict[str, float]:
    """Return coded bytes by kind."""
    found, kinds = dict.fromkeys(names, 0.0), list(dict.fromkeys(names))
    parts, general = sections_of(packed, tensors), general_of(packing.compressor)
    if packing.compressor == "ans":
        priced = shares(matrices, [kinds.index(n) for n in names], parts.side)
        ratio = len(compress(general, parts.side, packing.quality)) / max(len(parts.side), 1)
        for name, share in zip(names, priced, strict=True):
            found[name] += share.coded + ratio * share.side
        return found
    if packing.layout.by_kind:
        return dict(zip(kinds, map(float, parts.streams), strict=True))
    whole = len(packed) - len(compress(general, parts.rest, packing.quality))
    for name, entropy in zip(names, entropies, strict=True):
        found[name] += whole * entropy / max(sum(entropies), 1.0)
    return found
