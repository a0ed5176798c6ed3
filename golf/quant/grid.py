"""Symmetric integers per row: N bits, one fp16 scale for each output row."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SMALLEST_SCALE, LARGEST_SCALE = 2.0**-24, 65504.0  # the ends of positive fp16 numbers


@dataclass(frozen=True)
class Codes:
    """A quantized matrix: integers (rows, columns) int8 and scales (rows,) float16."""

    codes: Tensor
    scales: Tensor

    def dequantize(self) -> Tensor:
        """Return the matrix that the codes stand for, float32."""
        return self.codes.float() * self.scales.float()[:, None]


def levels(bits: int) -> int:
    """Return the largest integer of the symmetric range (127 for 8 bits, 7 for 4)."""
    return int(2 ** (bits - 1)) - 1


def quantize_rows(matrix: Tensor, bits: int, clip_sigmas: float) -> Codes:
    """Round each row of a (rows, columns) float matrix to a grid that clips at k sigma.

    A larger k means a coarser grid and fewer bytes after entropy coding. The scale is rounded
    to fp16 first and then used for rounding, so that codes and scales agree.
    Source: SDClip, parameter-golf PR 1394.
    """
    matrix = matrix.float()
    most = levels(bits)
    sigma = matrix.std(dim=1, correction=1)
    scales = (clip_sigmas * sigma / most).clamp(SMALLEST_SCALE, LARGEST_SCALE).half()
    codes = (matrix / scales.float()[:, None]).round().clamp(-most, most)
    return Codes(codes.to(torch.int8), scales)
