"""An orthogonal rotation of a matrix's columns that needs no bytes: signs, then Hadamard.

Rounding noise then spreads over all columns, and outlying columns lose their height. The rotation
is exact in its inverse: W R R^T = W. Source: QuIP#, arXiv 2402.04396, and QuaRot, 2404.00456.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def rotate_columns(matrix: Tensor) -> Tensor:
    """Return ``matrix`` (rows, columns) times the rotation of its width."""
    return _hadamard(matrix * _signs(matrix.size(1)))


def unrotate_columns(matrix: Tensor) -> Tensor:
    """Undo ``rotate_columns``; of a matrix without entries, nothing."""
    return _hadamard(matrix) * _signs(matrix.size(1)) if matrix.numel() else matrix


def rotate_hessian(hessian: Tensor) -> Tensor:
    """Return R^T H R: the Hessian that belongs to rotated columns."""
    return rotate_columns(rotate_columns(hessian).T)


def _signs(width: int) -> Tensor:
    """Return +1 or -1 for each column; bits of a hash, the same on every machine."""
    raw = torch.frombuffer(bytearray(hashlib.shake_256(b"golf").digest(width)), dtype=torch.uint8)
    return (raw & 1).float() * 2 - 1


def _hadamard(matrix: Tensor) -> Tensor:
    """Multiply blocks of columns by the symmetric Hadamard matrix, scaled to be orthogonal.

    The block is the largest power of two that divides the width.
    """
    rows, columns = matrix.shape
    block = columns & -columns
    out = matrix.reshape(rows, -1, block)
    half = 1
    while half < block:
        pairs = out.reshape(rows, -1, 2, half)
        out = torch.stack((pairs[:, :, 0] + pairs[:, :, 1], pairs[:, :, 0] - pairs[:, :, 1]), 2)
        half *= 2
    turned: Tensor = out.reshape(rows, columns) * block**-0.5
    return turned
