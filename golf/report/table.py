"""Means over seeds, sample standard deviations, and deltas paired by seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

ARTIFACT_LIMIT = 16_000_000  # decimal bytes
SAME_TEXT = 1e-4  # relative difference of scored bytes


@dataclass(frozen=True)
class Spread:
    """A measure over the seeds that have it; None where there is nothing to tell.

    Attributes:
        std: sample standard deviation (n - 1); None for a single seed.
    """

    n: int
    mean: float | None
    std: float | None


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes:
        n: complete seeds.
        spreads: by measure.
        deltas: mean difference to the parent over the seeds that both have, by score.
        largest_bytes: the largest artifact of all seeds, the one that must fit.
    """

    row: str
    change: str
    parent: str
    note: str
    n: int
    spreads: dict[str, Spread]
    deltas: dict[str, float | None]
    largest_bytes: int | None

    @property
    def fits(self) -> bool | None:
        """Say whether every seed's artifact is within the limit; None when unknown."""
        return None if self.largest_bytes is None else self.largest_bytes <= ARTIFACT_LIMIT


def spread(values: pd.Series) -> Spread:
    """Return n, mean and sample standard deviation of the values that are there."""
    there = [float(v) for v in values if v is not None and not math.isnan(v)]
    if not there:
        return Spread(0, None, None)
    mean = math.fsum(there) / len(there)
    if len(there) == 1:
        return Spread(1, mean, None)
    squares = math.fsum((v - mean) ** 2 for v in there)
    return Spread(len(there), mean, math.sqrt(squares / (len(there) - 1)))


def paired_delta(cells: pd.DataFrame, row: str, parent: str, measure: str) -> float | None:
    """Return the mean of row - parent over the seeds that both have; None without any.

    Scores of different validation text are not comparable: a seed whose scored bytes differ by
    more than 0.01 % is left out.
    """
    mine, theirs = (cells[cells["row"] == name].set_index("seed") for name in (row, parent))
    shared = mine.index.intersection(theirs.index)
    mine, theirs = mine.loc[shared], theirs.loc[shared]
    seen = [side["scored_bytes"].astype(float) for side in (mine, theirs)]
    same_text = (seen[0] - seen[1]).abs() <= SAME_TEXT * seen[1]
    differences = mine[measure].astype(float) - theirs[measure].astype(float)
    kept = differences[same_text].dropna()
    return float(kept.mean()) if len(kept) else None


def ablation_table(cells: pd.DataFrame, scores: Sequence[str]) -> list[TableRow]:
    """Return the rows in their order.

    Args:
        cells: what ``collect`` returned.
        scores: columns for which deltas are taken.
    """
    names = list(dict.fromkeys(cells["row"]))
    texts = ("row", "change", "parent", "note", "seed", "complete", "scored_bytes")
    measures = [c for c in cells.columns if c not in texts]
    return [_row(cells, name, measures, scores) for name in names]


def _row(
    cells: pd.DataFrame, name: str, measures: Sequence[str], scores: Sequence[str]
) -> TableRow:
    mine = cells[cells["row"] == name]
    first = mine.iloc[0]
    sizes = mine["artifact_bytes"].astype(float).dropna()
    parent = str(first["parent"])
    return TableRow(
        row=name,
        change=str(first["change"]),
        parent=parent,
        note=str(first["note"]),
        n=int(mine["complete"].sum()),
        spreads={m: spread(mine[m]) for m in measures},
        deltas={s: paired_delta(cells, name, parent, s) if parent else None for s in scores},
        largest_bytes=int(sizes.max()) if len(sizes) else None,
    )
