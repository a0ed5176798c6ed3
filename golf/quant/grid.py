"""Symmetric integers: N bits, one fp16 scale for each row or group of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from golf.config.coding import SEARCHED_QUANTILES, levels
from golf.quant.rotate import unrotate_columns

SMALLEST_SCALE, LARGEST_SCALE = 2.0**-24, 65504.0  # the ends of positive fp16 numbers


class Repair(NamedTuple):
    """A low-rank correction: ``left`` (rows, rank) times ``right`` (rank, columns)."""

    left: Codes
    right: Codes


@dataclass(frozen=True)
class Codes:
    """A quantized matrix.

    Attributes:
        codes: integers (rows, columns) int8.
        scales: (groups,) float16; each belongs to an equal run of codes in row-major order,
            usually to one row.
        rotated: the columns were turned by ``golf.quant.rotate`` before rounding.
        repair: added to what codes and scales stand for.
    """

    codes: Tensor
    scales: Tensor
    rotated: bool = False
    repair: Repair | None = None

    def dequantize(self) -> Tensor:
        """Return the matrix that this stands for, float32: turned back, then repaired."""
        matrix = unrotate_columns(self.on_grid()) if self.rotated else self.on_grid()
        if self.repair is None:
            return matrix
        return matrix + self.repair.left.on_grid() @ self.repair.right.on_grid()

    def on_grid(self) -> Tensor:
        """Return codes times scales, (rows, columns) float32."""
        each = self.codes.numel() // max(len(self.scales), 1)
        groups = self.codes.float().reshape(len(self.scales), each)
        return (groups * self.scales.float()[:, None]).view(self.codes.shape)


def fp16_scales(scales: Tensor, floor: float = 0.0) -> Tensor:
    """Return positive float32 scales as float16, none below ``floor`` or what fp16 can hold."""
    return scales.clamp(max(floor, SMALLEST_SCALE), LARGEST_SCALE).half()


def round_rows(matrix: Tensor, scales: Tensor, bits: int) -> Tensor:
    """Return the nearest codes, (rows, columns) int8, on the grid that ``scales`` span."""
    most = levels(bits)
    codes = (matrix.float() / scales.float()[:, None]).round_().clamp_(-most, most)
    return codes.to(torch.int8)


def sigma_scales(matrix: Tensor, bits: int, clip_sigmas: float) -> Tensor:
    """Return float32 scales that clip each row at k standard deviations (unbiased).

    A larger k means a coarser grid and fewer bytes after entropy coding.
    Source: SDClip, parameter-golf PR 1394.
    """
    return clip_sigmas * matrix.float().std(dim=1, correction=1) / levels(bits)


def quantile_scales(matrix: Tensor, bits: int, quantile: float) -> Tensor:
    """Return float32 scales that clip each row at a quantile of its absolute values."""
    return row_quantile(matrix.float().abs(), quantile) / levels(bits)


def quantize_rows(matrix: Tensor, bits: int, clip_sigmas: float, floor: float = 0.0) -> Codes:
    """Round each row of a (rows, columns) float matrix to a grid that clips at k sigma.

    The scale is rounded to fp16 first and then used for rounding, so that codes and scales agree.
    """
    scales = fp16_scales(sigma_scales(matrix, bits, clip_sigmas), floor)
    return Codes(round_rows(matrix, scales, bits), scales)


def quantize_by_quantile(
    matrix: Tensor, bits: int, quantile: float = 0.9999984, floor: float = 0.0
) -> Codes:
    """Clip each row at a quantile of its absolute values and round it.

    Codes are computed with the float32 scale and read back with its fp16 rounding, as published.
    Source: ``int8_clean_per_row_v1`` of parameter-golf's baseline, there with a floor of 1/127.
    """
    clip = row_quantile(matrix.float().abs(), quantile)
    exact = (clip / levels(bits)).clamp(max(floor, SMALLEST_SCALE), LARGEST_SCALE)
    clipped = matrix.float().clamp(-clip[:, None], clip[:, None])
    return Codes(round_rows(clipped, exact, bits), exact.half())


def searched_scales(matrix: Tensor, bits: int) -> Tensor:
    """Return the float32 scales of that quantile, one for all rows, that moves weights least.

    Tries ``SEARCHED_QUANTILES`` and keeps the one with the least mean squared error.
    Source: GPTQ-lite, parameter-golf records of 22 and 23 March.
    """
    tried = [quantile_scales(matrix, bits, q) for q in SEARCHED_QUANTILES]
    return min(tried, key=lambda scales: _squared_error(matrix, scales, bits))


def _squared_error(matrix: Tensor, scales: Tensor, bits: int) -> float:
    half = fp16_scales(scales)
    back = round_rows(matrix, half, bits).float() * half.float()[:, None]
    return float((back - matrix).square().mean())


def row_quantile(values: Tensor, quantile: float) -> Tensor:
    """Return the quantile of each row with linear interpolation, as ``torch.quantile`` does.

    Only the largest values are sorted: quantiles near 1 cost a fraction of a full sort.
    """
    columns = values.size(1)
    place = quantile * (columns - 1)
    below = int(place)
    top = values.topk(columns - below, dim=1).values
    return torch.lerp(top[:, -1], top[:, max(-2, -top.size(1))], place - below)
