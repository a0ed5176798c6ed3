"""The entries of an artifact's header: one for each tensor, checked when they are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

from golf.quant.grid import Codes

MOST_SIZE = 1 << 31  # of an axis
MOST_ELEMENTS = 1 << 63  # of axes multiplied, without those of size zero; torch counts no further
MOST_WEIGHTS = 1 << 30  # of a file; the largest models that golf trains have a tenth of it
MOST_WEIGHTS_PER_BYTE = 1 << 16  # codes of nothing but zeros take no bytes; still, there is an end
REPAIRS = "repairs"  # the kind of all low-rank factors


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


def kind_names(coded: Mapping[str, Codes | Entry]) -> list[str]:
    """Return the kind of each of ``matrices_of``."""
    repairs = [REPAIRS for t in coded.values() if t.repair for _ in range(2)]
    return [kind_of(n) for n in coded] + repairs


def kinds_of(coded: Mapping[str, Codes | Entry]) -> list[int]:
    """Number the kinds of ``matrices_of``: names alike but for the layer share one."""
    names = kind_names(coded)
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return [numbers[n] for n in names]


def entry_of(name: str, tensor: Codes | Tensor) -> Entry:
    """Return how the header lists a tensor."""
    if isinstance(tensor, Tensor):
        return Entry(name, False, list(tensor.shape))
    factors = tensor.repair
    repair = [factors.left.codes.size(1), *(len(f.scales) for f in factors)] if factors else None
    return Entry(name, True, list(tensor.codes.shape), len(tensor.scales), tensor.rotated, repair)


def checked_entries(listed: Any, file_bytes: int) -> list[Entry]:
    """Return all listed tensors of a file of so many bytes.

    Raises:
        ValueError: what is listed is no tensors, or more than the file can hold.
    """
    entries = [checked_entry(entry) for entry in listed]
    if len({e.name for e in entries}) != len(entries):
        raise ValueError("two tensors have one name")
    if sum(map(weights_of, entries)) > min(MOST_WEIGHTS, MOST_WEIGHTS_PER_BYTE * file_bytes):
        raise ValueError("it claims more weights than its size can hold")
    return entries


def weights_of(entry: Entry) -> int:
    """Return the entries of a tensor and of its factors; a matrix of no columns counts its rows."""
    if not entry.coded:
        return math.prod(entry.shape)
    shapes = [(entry.shape[0], entry.shape[1]), *(factor_shapes(entry) if entry.repair else ())]
    return sum(max(rows, 1) * max(columns, 1) for rows, columns in shapes)


def checked_entry(entry: Any) -> Entry:
    """Return a listed tensor.

    Raises:
        ValueError: what is listed is no tensor.
    """
    made = Entry(*entry)
    ranks = (2,) if made.coded is True else range(5)
    sizes = [*made.shape, made.groups, *(made.repair or ())]
    sound = all(type(s) is int and 0 <= s <= MOST_SIZE for s in sizes)
    types = isinstance(made.name, str) and type(made.coded) is bool and type(made.rotated) is bool
    sound = sound and types and len(made.shape) in ranks
    sound = sound and math.prod(max(s, 1) for s in made.shape) < MOST_ELEMENTS
    if not sound or not _whole_groups(made):
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
