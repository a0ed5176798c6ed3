"""How wide a code spreads: a class for each entry, from one number per row and one per column.

Trained matrices have columns of very different sizes (a hidden unit that is little used, a channel
of the stream that matters much), which a scale per row cannot follow. Each row and column
gets a level in fractions of an octave; the class of an entry is the sum of its two levels, and
each class has a table of frequencies, symmetric in the sign. All is integer arithmetic, so that
every machine decodes the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golf.quant.codec.rans import TOTAL

Ints = NDArray[np.int64]
UNITS = (1, 2, 4, 8)  # levels per octave that are tried
FREQUENCY_STEPS = 16  # levels per octave of a stored frequency
WEIGHTS = np.array([0, *(round(2 ** (i / FREQUENCY_STEPS)) for i in range(255))], np.int64)
TAIL = 512  # classes that hold less than this share of the entries are joined with a neighbour


@dataclass(frozen=True)
class Levels:
    """Levels of a matrix's rows and columns; empty where all are alike."""

    rows: Ints
    columns: Ints

    def sums(self, shape: tuple[int, ...]) -> Ints:
        """Return the level of each entry, (rows, columns)."""
        rows = self.rows if len(self.rows) else np.zeros(shape[0], np.int64)
        columns = self.columns if len(self.columns) else np.zeros(shape[1], np.int64)
        return rows[:, None] + columns


def fit_levels(codes: NDArray[np.int16]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log2 sizes of rows and columns whose sum is that of the entries."""
    sizes = np.abs(codes) + 0.25
    rows = sizes.mean(1)
    columns = np.ones(sizes.shape[1])
    for _ in range(2):
        columns = (sizes / rows[:, None]).mean(0)
        rows = (sizes / columns).mean(1)
    return np.log2(rows), np.log2(columns)


def entropy_bytes(counts: NDArray[np.int64]) -> float:
    """Return the bytes that symbols with these counts take, coded by themselves."""
    used = counts[counts > 0].astype(np.float64)
    return float((used * np.log2(used.sum() / used)).sum() / 8) if len(used) else 0.0


def symmetric_table(counts: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return a table to store: how often each magnitude 0 to 127 occurs, on a log scale."""
    shares = counts[:128].astype(np.float64)
    shares[1:] /= 2
    shares *= WEIGHTS[-1] / max(shares.max(), 1.0)
    steps = 1 + np.round(FREQUENCY_STEPS * np.log2(np.maximum(shares, 1.0)))
    steps[(counts[:128] == 0)] = 0
    steps[0] = max(steps[0], 1)
    return steps.clip(0, 255).astype(np.uint8)


def frequencies(tables: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return the coder's tables, (classes, 256) for codes -128 to 127, from stored ones."""
    weights = WEIGHTS[tables]
    total = weights.sum(1) + weights[:, 1:].sum(1)
    if (tables[:, 0] == 0).any():
        raise ValueError("a table without a frequency of zero")
    shares = np.maximum(weights * TOTAL // total[:, None], weights > 0)
    rest = TOTAL - shares.sum(1) - shares[:, 1:].sum(1)
    missing = np.maximum(1 - rest - shares[:, 0], 0)  # many rare codes leave nothing for zero
    largest = (np.arange(len(tables)), 1 + shares[:, 1:].argmax(1))
    shares[largest] -= (missing + 1) // 2
    shares[:, 0] += rest + 2 * ((missing + 1) // 2)
    if (shares[largest] < 0).any():
        raise ValueError("a table with too many rare codes")
    made = np.zeros((len(tables), 256), np.uint32)
    made[:, 128:] = shares
    made[:, 1:128] = shares[:, :0:-1]
    return made
