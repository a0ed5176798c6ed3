"""Rows predicted from similar rows: what is left of them is smaller.

The rows of an embedding resemble each other far more than chance. Each row may name a parent and
a factor in sixteenths; it is then stored as its difference from the parent's row times the factor.
Parents form the maximum spanning tree of |cosine|, so that each row has one of its closest
relatives above it, whatever their order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int16]  # (rows, columns), values in -127 to 127
FACTOR_UNIT = 16
ROW_BYTES = 2.0  # what naming a parent and a factor costs, about
MOST_ROWS = 16384  # beyond it the table of cosines would not fit


def grow_tree(codes: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each row's parent and factor; a factor of zero where no parent pays."""
    rows, columns = codes.shape
    if not 1 < rows <= MOST_ROWS:
        return np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    products = codes.astype(np.float32) @ codes.T.astype(np.float32)
    norms = np.sqrt(np.maximum(products.diagonal(), 1e-9))
    parents = _spanning_tree((np.abs(products) / norms[:, None] / norms).astype(np.float32))
    with_parent = products[np.arange(rows), parents]
    cosine = np.minimum(np.abs(with_parent) / norms / norms[parents], 0.999)
    factors = np.rint(FACTOR_UNIT * with_parent / norms[parents] ** 2).astype(np.int64)
    pays = -0.5 * np.log2(1 - cosine**2) * columns / 8 > ROW_BYTES
    factors = np.where(pays & (parents != np.arange(rows)), factors.clip(-127, 127), 0)
    return np.where(factors != 0, parents, 0), factors


def _spanning_tree(likeness: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return parents in a maximum spanning tree (Prim); the root is its own."""
    root = int(likeness.sum(1).argmax())
    best, parents = likeness[root].copy(), np.full(len(likeness), root)
    waiting = np.ones(len(likeness), bool)
    waiting[root] = False
    for _ in range(len(likeness) - 1):
        row = int(np.where(waiting, best, -1).argmax())
        waiting[row] = False
        closer = waiting & (likeness[row] > best)
        best[closer], parents[closer] = likeness[row][closer], row
    return parents


def subtract(codes: Codes, parents: NDArray[np.int64], factors: NDArray[np.int64]) -> Codes:
    """Return codes less what their parents predict, modulo 255."""
    return _wrapped(codes - _predicted(codes, parents, factors))


def add(rest: Codes, parents: NDArray[np.int64], factors: NDArray[np.int64]) -> Codes:
    """Undo ``subtract``, generation after generation.

    Raises:
        ValueError: a parent that is no row, or rows that are their own ancestors.
    """
    codes, generations = rest.copy(), _generations(parents, factors)
    order = generations.argsort(kind="stable")
    starts = np.flatnonzero(np.diff(generations[order], prepend=0))
    for ready in np.split(order, starts)[1:]:
        above = codes[parents[ready]]
        codes[ready] = _wrapped(rest[ready] + _scaled(above, factors[ready]))
    return codes


def _generations(parents: NDArray[np.int64], factors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many ancestors each row has; every round looks twice as far up."""
    if ((parents < 0) | (parents >= len(parents))).any():
        raise ValueError("a row's parent is not there")
    found: NDArray[np.int64] = (factors != 0).astype(np.int64)
    above = np.where(found, parents, np.arange(len(parents)))
    for _ in range(int(parents.max(initial=0) + 2).bit_length()):
        found += found[above]
        above = above[above]
    if factors[above].any():
        raise ValueError("rows that descend from themselves")
    return found


def _predicted(codes: Codes, parents: NDArray[np.int64], factors: NDArray[np.int64]) -> Codes:
    return _scaled(codes[parents], factors)


def _scaled(codes: Codes, factors: NDArray[np.int64]) -> Codes:
    products = codes.astype(np.int32) * factors[:, None].astype(np.int32)
    return (products + FACTOR_UNIT // 2 >> 4).clip(-127, 127).astype(np.int16)


def _wrapped(codes: Codes) -> Codes:
    return ((codes + 127) % 255 - 127).astype(np.int16)
