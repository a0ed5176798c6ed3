"""The entries of an artifact's header: one for each tensor, checked when they are read."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from torch import Tensor

from golf.quant.grid import Codes


class Entry(NamedTuple):
    """A tensor as the header lists it; what follows the shape is about codes only.

    Attributes:
        groups: number of scales.
        rotated: the columns were turned before rounding.
        repair: rank of the low-rank correction and numbers of scales of its factors.
    """

    name: str
    coded: bool
    shape: list[int]
    groups: int = 0
    rotated: bool = False
    repair: list[int] | None = None


def kind_of(name: str) -> str:
    """Return a name without its layer number, so that all layers' queries are of one kind."""
    return ".".join(part for part in name.split(".") if not part.isdigit())


def entry_of(name: str, tensor: Codes | Tensor) -> Entry:
    """Return how the header lists a tensor."""
    if isinstance(tensor, Tensor):
        return Entry(name, False, list(tensor.shape))
    factors = tensor.repair
    repair = [factors.left.codes.size(1), *(len(f.scales) for f in factors)] if factors else None
    return Entry(name, True, list(tensor.codes.shape), len(tensor.scales), tensor.rotated, repair)


def checked_entry(entry: Any) -> Entry:
    """Return a listed tensor.

    Raises:
        ValueError: what is listed is no tensor.
    """
    made = Entry(*entry)
    ranks = (2,) if made.coded is True else range(5)
    sizes = [*made.shape, made.groups, *(made.repair or ())]
    sound = all(type(s) is int and 0 <= s <= 1 << 31 for s in sizes)
    types = isinstance(made.name, str) and type(made.coded) is bool and type(made.rotated) is bool
    if not sound or not types or len(made.shape) not in ranks or not _whole_groups(made):
        raise ValueError(f"a tensor entry is not sound: {str(entry)[:80]}")
    return made


def _whole_groups(entry: Entry) -> bool:
    """Say whether each scale belongs to an equal run of codes, in factors too."""
    if not entry.coded:
        return not entry.groups and not entry.repair
    pairs = [((entry.shape[0], entry.shape[1]), entry.groups)]
    if entry.repair:
        pairs += zip(factor_shapes(entry), entry.repair[1:], strict=True)
    return all(math.prod(s) % g == 0 if g else not math.prod(s) for s, g in pairs)


def factor_shapes(entry: Entry) -> list[tuple[int, int]]:
    """Return the shapes of the factors of a low-rank correction."""
    assert entry.repair is not None
    rank, rows, columns = entry.repair[0], *entry.shape
    return [(rows, rank), (rank, columns)]
