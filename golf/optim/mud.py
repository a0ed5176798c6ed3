"""MUD: rows of the momentum are decorrelated by triangular solves.

Source: MomentUm Decorrelation, arXiv 2603.17970; parameter-golf PR 510.
"""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-7


def decorrelate(updates: Tensor, passes: int) -> Tensor:
    """Return (N, rows, columns) matrices with nearly orthonormal rows (columns where tall).

    A pass divides the rows by their lengths, Q <- tril(Q Q^T)^-1 Q, and divides again. Matrices
    whose rows are orthonormal stay as they are; rows of zeros stay zero.
    """
    tall = updates.size(-2) > updates.size(-1)
    q = updates.mT if tall else updates
    for _ in range(passes):
        q = _normalize(q)
        # the diagonal is 1 by now, so the solve need not read it
        q = torch.linalg.solve_triangular(q @ q.mT, q, upper=False, unitriangular=True)
        q = _normalize(q)
    return q.mT if tall else q


def _normalize(q: Tensor) -> Tensor:
    lengths: Tensor = q.norm(dim=-1, keepdim=True)
    return q / (lengths + EPS)


def size_factor(rows: int, columns: int) -> float:
    """Return what a step is multiplied by, so that its entries are as large as Adam's."""
    size: float = 0.2 * max(rows, columns) ** 0.5
    return size
