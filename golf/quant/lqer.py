"""Low-rank repair of rounding errors: E is close to A B with few columns in A.

Source: LQER, arXiv 2402.02446; parameter-golf PR 1855 (four-bit factors, and an asymmetric
form with two bits for A and grouped four bits for B).
"""

from __future__ import annotations

import torch
from torch import Tensor

from golf.config.coding import levels
from golf.quant.grid import Codes, Repair, fp16_scales


def symmetric_repair(error: Tensor, rank: int, bits: int) -> Repair:
    """Return factors of ``error`` (rows, columns) with ``bits`` each, scaled per row."""
    left, right = _factors(error, rank)
    return Repair(_per_row(left, bits), _per_row(right, bits))


def asymmetric_repair(error: Tensor, rank: int, group: int) -> Repair:
    """Return factors with A in [-2, 1] on one scale and B in [-8, 7] on one scale per group.

    B, flattened, must be a whole number of groups; ``grouped_repair_fits`` says so.
    """
    left, right = _factors(error, rank)
    return Repair(
        _grouped(left, left.numel(), 1.5, -2, 1),
        _grouped(right, group, 7.5, -8, 7),
    )


def grouped_repair_fits(columns: int, rank: int, group: int) -> bool:
    """Say whether the asymmetric form can hold a matrix of this width."""
    return rank * columns % group == 0


def _factors(error: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    u, s, vh = torch.linalg.svd(error.float(), full_matrices=False)
    return u[:, :rank] * s[:rank], vh[:rank].contiguous()


def _per_row(factor: Tensor, bits: int) -> Codes:
    most = levels(bits)
    return _grouped(factor, factor.size(1), most, -most, most)


def _grouped(factor: Tensor, group: int, divisor: float, least: int, most: int) -> Codes:
    """Round with the fp16 scale itself: the largest A often lies exactly between two codes."""
    groups = factor.reshape(-1, group)
    scales = fp16_scales(groups.abs().amax(1) / divisor)
    codes = (groups / scales.float()[:, None]).round().clamp(least, most).to(torch.int8)
    return Codes(codes.view(factor.shape), scales)
