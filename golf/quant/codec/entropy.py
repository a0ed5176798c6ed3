"""Integers to bytes by a model of how trained matrices are built; see ``scale_model``.

What the decoder has to know besides the coded integers (levels, parents, tables) is a side
section of plain bytes, which the artifact compresses with its other small parts:

    once                       do kinds have tables of their own (uint8)
    for each kind of matrix    lowest class (int16), classes, magnitudes in a table (uint8)
    for each matrix            flags (1 rows, 2 columns, 4 tree), base level (int16)
    for each flag that is set  the columns' levels, the rows', parents, factors
    for each kind              tables, one magnitude after the other, as differences
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from golf.quant.codec import rans
from golf.quant.codec.cursor import Cursor
from golf.quant.codec.row_tree import add, grow_tree, subtract
from golf.quant.codec.scale_model import (
    TAIL,
    UNITS,
    entropy_bytes,
    fit_levels,
    frequencies,
    symmetric_table,
)

Matrix = NDArray[np.int8]
Ints = NDArray[np.int64]
ROWS, COLUMNS, TREE = 1, 2, 4
MOST_CLASSES = 255
LEVEL_BYTES = 0.4  # what one level costs after compression, about
PIECE = 1 << 20  # entries whose classes are worked out at a time
CHOICE_UNIT = 4  # levels per octave at which a matrix chooses its flags


def _no_sizes() -> NDArray[np.float64]:
    return np.zeros(0)


def _no_levels() -> Ints:
    return np.zeros(0, np.int64)


@dataclass
class Part:
    """One matrix as it is coded: what is left of it and how its classes are found."""

    rest: NDArray[np.int16]
    kind: int
    flags: int = 0
    row_sizes: NDArray[np.float64] = field(default_factory=_no_sizes)
    column_sizes: NDArray[np.float64] = field(default_factory=_no_sizes)
    parents: Ints = field(default_factory=_no_levels)
    factors: Ints = field(default_factory=_no_levels)
    base: int = 0
    rows: Ints = field(default_factory=_no_levels)
    columns: Ints = field(default_factory=_no_levels)

    def set_levels(self, unit: int) -> None:
        """Round sizes to levels; the rows' mean is the base."""
        rows = np.rint(unit * self.row_sizes).astype(np.int64)
        self.base = int(np.rint(unit * self.row_sizes.mean())) if len(rows) else 0
        self.rows = (rows - self.base).clip(-127, 127) if self.flags & ROWS else rows[:0]
        columns = np.rint(unit * self.column_sizes).astype(np.int64).clip(-127, 127)
        self.columns = columns if self.flags & COLUMNS else columns[:0]

    def classes(self, first: int = 0, stop: int | None = None) -> Ints:
        """Return the level of each entry of some rows, (rows, columns)."""
        height, width = self.rest.shape
        none = np.zeros(1, np.int64)
        rows = self.rows if self.flags & ROWS else np.broadcast_to(none, (height,))
        columns = self.columns if self.flags & COLUMNS else np.broadcast_to(none, (width,))
        return rows[first:stop, None] + columns + self.base


def encode(matrices: Sequence[Matrix], kinds: Sequence[int]) -> tuple[bytes, bytes]:
    """Return the side section and the coded integers of ``matrices``, values -127 to 127.

    Matrices of one kind share their tables; kinds count from 0. Where matrices are small, all
    kinds share.
    """
    parts = [_choose(m.astype(np.int16), k) for m, k in zip(matrices, kinds, strict=True)]
    forms = (True, False) if max(kinds, default=0) < MOST_CLASSES else (False,)
    plans = [_plan(parts, unit, apart) for unit in UNITS for apart in forms]
    plan = min(plans, key=lambda p: p.cost)
    for part in parts:
        part.set_levels(plan.unit)
        part.kind = part.kind if plan.apart else 0
    chosen = plan.kinds
    side = bytes([plan.apart]) + _write_side(parts, chosen)
    symbols = [(p.rest + 128).astype(np.uint8).ravel() for p in parts]
    tables = [frequencies(k.tables) for k in chosen]
    coded = rans.encode(_joined(symbols), _contexts(parts, chosen), _stack(tables))
    return side, coded


def decode(
    shapes: Sequence[tuple[int, int]], kinds: Sequence[int], side: bytes, coded: bytes
) -> list[Matrix]:
    """Undo ``encode``.

    Raises:
        ValueError: the bytes are not what ``encode`` made for these shapes.
    """
    parts, chosen = read_side(shapes, kinds, side)
    tables = _stack([frequencies(k.tables) for k in chosen])
    flat = rans.decode(coded, _contexts(parts, chosen), tables).astype(np.int16) - 128
    done, place = [], 0
    for part in parts:
        size = part.rest.size
        rest = flat[place : place + size].reshape(part.rest.shape)
        codes = add(rest, part.parents, part.factors) if part.flags & TREE else rest
        done.append(codes.astype(np.int8))
        place += size
    return done


@dataclass
class Kind:
    """The classes and tables that matrices of one kind share."""

    lowest: int
    tables: NDArray[np.uint8]  # (classes, 128)
    cost: float = 0.0


@dataclass
class Plan:
    """Tables for all matrices at one unit of levels, and about how many bytes it all takes."""

    unit: int
    apart: bool
    kinds: list[Kind]
    cost: float


def _choose(codes: NDArray[np.int16], kind: int) -> Part:
    """Return a matrix with the flags that make it smallest, priced at a middling unit."""
    if codes.size < 4096:
        rows = np.log2(np.abs(codes).mean(1) + 0.25) if codes.size else np.zeros(0)
        return Part(codes, kind, 0, rows)
    parents, factors = grow_tree(codes)
    forms = [(codes, 0)]
    if factors.any():
        forms.append((subtract(codes, parents, factors), TREE))
    options: list[tuple[float, int, Part]] = []
    for rest, tree in forms:
        sizes = fit_levels(rest)
        for flags in (0, ROWS, COLUMNS, ROWS | COLUMNS):
            part = Part(rest, kind, flags | tree, *sizes, parents, factors)
            part.set_levels(CHOICE_UNIT)
            histogram = _histogram(part.classes(), rest)[1]
            cost = sum(entropy_bytes(h) for h in histogram)
            cost += LEVEL_BYTES * (len(part.rows) + len(part.columns))
            cost += 2 * int((factors != 0).sum()) if tree else 0
            options.append((cost, len(options), part))
    return min(options)[2]


def _histogram(classes: Ints, rest: NDArray[np.int16]) -> tuple[int, Ints]:
    """Return the lowest class and, per class from there on, counts of the magnitudes."""
    lowest = int(classes.min()) if classes.size else 0
    number = (int(classes.max()) if classes.size else 0) - lowest + 1
    joined = (classes - lowest) * 128 + np.abs(rest)
    return lowest, np.bincount(joined.ravel(), minlength=number * 128).reshape(number, 128)


def _plan(parts: Sequence[Part], unit: int, apart: bool) -> Plan:
    """Return the tables of every kind at one unit, with what they and their symbols cost."""
    found: dict[int, dict[int, Ints]] = {}
    for part in parts:
        part.set_levels(unit)
        lowest, counts = _histogram(part.classes(), part.rest)
        classes = found.setdefault(part.kind if apart else 0, {})
        for i, row in enumerate(counts, lowest):
            classes[i] = classes.get(i, 0) + row
    made = [_merged(found.get(k, {}), MOST_CLASSES // len(found)) for k in range(len(found))]
    levels = sum(len(p.rows) + len(p.columns) for p in parts)
    fineness = 1 + np.log2(unit / CHOICE_UNIT) / 3
    return Plan(unit, apart, made, sum(k.cost for k in made) + LEVEL_BYTES * levels * fineness)


def _merged(found: dict[int, Ints], most: int) -> Kind:
    """Join thinly populated classes at both ends, and what exceeds ``most``."""
    lowest, highest = min(found, default=0), max(found, default=0)
    counts = np.stack([found.get(i, np.zeros(128, np.int64)) for i in range(lowest, highest + 1)])
    below = counts.sum(1).cumsum()
    cut = below[-1] / TAIL
    first = int(np.searchsorted(below, cut))
    last = min(int(np.searchsorted(below, below[-1] - cut)), first + most - 1)
    kept = counts[first : last + 1].copy()
    kept[0] += counts[:first].sum(0)
    kept[-1] += counts[last + 1 :].sum(0)
    tables = np.stack([symmetric_table(c) for c in kept])
    shares = frequencies(tables)[:, 128:] / rans.TOTAL
    bits = -np.log2(np.where(kept > 0, np.maximum(shares, 1e-9), 1.0))
    cost = float((kept * bits).sum()) / 8 + 0.4 * int((tables > 0).sum())
    return Kind(lowest + first, tables, cost)


def _contexts(parts: Sequence[Part], kinds: Sequence[Kind]) -> NDArray[np.uint8]:
    """Return the number of each entry's table."""
    starts = np.cumsum([0] + [len(k.tables) for k in kinds])
    made, place = np.empty(sum(p.rest.size for p in parts), np.uint8), 0
    for part in parts:
        kind, (height, width) = kinds[part.kind], part.rest.shape
        step = max(1, PIECE // max(width, 1))
        for first in range(0, height if width else 0, step):
            levels = part.classes(first, first + step) - kind.lowest
            inside = levels.clip(0, len(kind.tables) - 1) + starts[part.kind]
            made[place : place + inside.size] = inside.ravel()
            place += inside.size
    return made


def _joined(arrays: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.concatenate(arrays) if arrays else np.zeros(0, np.uint8)


def _stack(tables: list[NDArray[np.uint32]]) -> NDArray[np.uint32]:
    return np.concatenate(tables) if tables else np.zeros((0, 256), np.uint32)


def _write_side(parts: Sequence[Part], kinds: Sequence[Kind]) -> bytes:
    sizes = [int(np.flatnonzero(k.tables.any(0)).max()) + 1 for k in kinds]
    out = [np.array([k.lowest for k in kinds], "<i2")]
    out += [np.array([len(k.tables) for k in kinds], np.uint8), np.array(sizes, np.uint8)]
    out += [np.array([p.flags for p in parts], np.uint8), np.array([p.base for p in parts], "<i2")]
    out += [p.columns.astype(np.int8) for p in parts if p.flags & COLUMNS]
    out += [p.rows.astype(np.int8) for p in parts if p.flags & ROWS]
    trees = [p for p in parts if p.flags & TREE]
    out += [(p.parents >> 8 * i).astype(np.uint8) for p in trees for i in (0, 1)]
    out += [p.factors.astype(np.int8) for p in trees]
    for kind, size in zip(kinds, sizes, strict=True):
        steps = np.diff(kind.tables[:, :size].astype(np.int16), axis=1, prepend=0)
        out.append(steps.astype(np.uint8).T)
    return b"".join(np.ascontiguousarray(a).tobytes() for a in out)


def read_side(
    shapes: Sequence[tuple[int, int]], kinds: Sequence[int], side: bytes
) -> tuple[list[Part], list[Kind]]:
    """Return matrices without their integers, and the tables of each kind.

    Raises:
        ValueError: the bytes are no side section of such matrices.
    """
    kinds, side = (kinds if side[:1] == b"\1" else [0] * len(kinds)), side[1:]
    cursor, number = Cursor(side), max(kinds, default=-1) + 1
    lowest, classes = cursor.array("<i2", number), cursor.array("u1", number)
    sizes = cursor.array("u1", number)
    flags, bases = cursor.array("u1", len(shapes)), cursor.array("<i2", len(shapes))
    blank = [np.empty(shape, np.int16) for shape in shapes]
    parts = [Part(*p) for p in zip(blank, kinds, flags.tolist(), strict=True)]
    for part, base in zip(parts, bases.tolist(), strict=True):
        part.base = base
    for part in (p for p in parts if p.flags & COLUMNS):
        part.columns = cursor.array("i1", part.rest.shape[1]).astype(np.int64)
    for part in (p for p in parts if p.flags & ROWS):
        part.rows = cursor.array("i1", part.rest.shape[0]).astype(np.int64)
    trees = [p for p in parts if p.flags & TREE]
    for part in trees:
        low, high = (cursor.array("u1", len(part.rest)).astype(np.int64) for _ in range(2))
        part.parents = low | high << 8
    for part in trees:
        part.factors = cursor.array("i1", len(part.rest)).astype(np.int64)
    made = [_read_kind(cursor, *k) for k in zip(lowest, classes, sizes, strict=True)]
    cursor.finish()
    if int(classes.sum()) > MOST_CLASSES:
        raise ValueError("more classes than a context can name")
    return parts, made


def _read_kind(cursor: Cursor, lowest: int, classes: int, size: int) -> Kind:
    if not classes or not 0 < size <= 128:
        raise ValueError("a kind without a table")
    steps = cursor.array("u1", int(classes) * int(size)).reshape(int(size), int(classes)).T
    tables = np.zeros((int(classes), 128), np.uint8)
    tables[:, :size] = steps.cumsum(1, dtype=np.uint8)
    return Kind(int(lowest), tables)
