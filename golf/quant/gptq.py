"""GPTQ: round a column, spread its error over the columns that are still to come.

For a linear map with inputs x the loss of a change D of its weight is tr(D H D^T) with the
Hessian H = sum of x x^T. Source: arXiv 2210.17323; parameter-golf PR 1019 on; the factorization
by one triangular solve is PR 1948's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from golf.config.coding import levels
from golf.quant.grid import round_rows

LEAST = 1e-30  # mean below which nothing matters: a dead input, or a matrix of zeros
BLOCK = 128  # columns between two updates of all later ones; changes the speed only


def gptq_round(
    matrix: Tensor, hessian: Tensor, scales: Tensor, bits: int, damping: float, by_diagonal: bool
) -> Tensor:
    """Return codes (rows, columns) int8 whose error in the Hessian norm is small.

    No row's error in the norm of ``hessian`` is above that of plain rounding: a row that greedy
    spreading makes worse keeps its rounded codes.

    Args:
        matrix: (rows, columns) float weights.
        hessian: (columns, columns) sum or mean of x x^T over calibration inputs.
        scales: (rows,) float16, the grid of each row.
        bits: width of the symmetric grid.
        damping: share of the mean diagonal that is added to the diagonal.
        by_diagonal: start with the columns that matter most.
    """
    weights, damped = live_columns(matrix.float(), hessian.float(), damping)
    order = damped.diagonal().argsort(descending=True, stable=True)
    if not by_diagonal:
        order = order.sort().values
    factor = inverse_factor(damped[order][:, order])
    codes = torch.empty(matrix.shape, dtype=torch.int8)
    codes[:, order] = _spread(weights[:, order], factor, scales.float(), bits)
    return _never_worse(codes, matrix.float(), hessian.float(), scales, bits)


def live_columns(matrix: Tensor, hessian: Tensor, damping: float) -> tuple[Tensor, Tensor]:
    """Return weights without dead columns' values, and the damped Hessian.

    A column is dead when its input was always zero.
    """
    dead = hessian.diagonal() == 0
    damped = hessian.clone()
    damped.diagonal()[dead] = 1
    damped.diagonal().add_(damping * damped.diagonal().mean())
    return matrix.masked_fill(dead, 0), damped


def inverse_factor(hessian: Tensor) -> Tensor:
    """Return U upper triangular with U^T U = H^-1, without inverting H.

    H with both axes flipped has a lower Cholesky factor; flipped back it is upper, V with
    H = V V^T, and U is its inverse.
    """
    upper = torch.linalg.cholesky(hessian.flip(0, 1)).flip(0, 1)
    identity = torch.eye(len(hessian), dtype=hessian.dtype)
    factor: Tensor = torch.linalg.solve_triangular(upper, identity, upper=True)
    return factor


def _spread(weights: Tensor, factor: Tensor, scales: Tensor, bits: int) -> Tensor:
    """Round column after column; works on transposed blocks, so that a column is contiguous."""
    rest, most = weights.T.contiguous(), levels(bits)
    codes = torch.empty_like(rest, dtype=torch.int8)
    for start in range(0, len(rest), BLOCK):
        stop = min(start + BLOCK, len(rest))
        block, corner = rest[start:stop], factor[start:stop, start:stop]
        errors = torch.empty_like(block)
        for j, diagonal in enumerate(corner.diagonal().tolist()):
            column = (block[j] / scales).round_().clamp_(-most, most)
            codes[start + j] = column
            torch.addcmul(block[j], column, scales, value=-1, out=errors[j]).div_(diagonal)
            block[j + 1 :].addr_(corner[j, j + 1 :], errors[j], alpha=-1)
        rest[stop:].addmm_(factor[start:stop, stop:].T, errors, alpha=-1)
    return codes.T.contiguous()


def _never_worse(
    codes: Tensor, matrix: Tensor, hessian: Tensor, scales: Tensor, bits: int
) -> Tensor:
    plain = round_rows(matrix, scales, bits)
    moved, rounded = (hessian_errors(c, matrix, hessian, scales) for c in (codes, plain))
    return torch.where((moved <= rounded)[:, None], codes, plain)


def hessian_errors(codes: Tensor, matrix: Tensor, hessian: Tensor, scales: Tensor) -> Tensor:
    """Return d H d^T for each row's error d, (rows,) float32."""
    error = codes.float() * scales.float()[:, None] - matrix
    return (error @ hessian * error).sum(1)


def importance_scales(scales: Tensor, matrix: Tensor, hessian: Tensor, weight: float) -> Tensor:
    """Widen the grid of rows that matter more than the mean, narrow that of those that matter less.

    A row matters by the mean of its absolute weights, each times its input's share of the
    diagonal; where nothing matters, grids stay. Source: Hessian-aware SDClip, parameter-golf
    PR 1412, there with a weight of 0.175.
    """
    diagonal = hessian.diagonal()
    matters = matrix.abs() @ (diagonal / diagonal.mean().clamp(min=LEAST)) / matrix.size(1)
    mean = matters.mean()
    return scales * (1 + weight * (matters / mean - 1)) if mean > LEAST else scales
