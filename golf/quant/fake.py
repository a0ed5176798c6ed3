"""Weights on the export's grid during training, with gradients as if they were not."""

from __future__ import annotations

from torch import Tensor, nn

from golf.quant.grid import quantize_rows


class FakeRows(nn.Module):
    """w + stopgrad(rounded(w) - w): the straight-through estimator (arXiv 1308.3432)."""

    def __init__(self, bits: int, clip_sigmas: float) -> None:
        super().__init__()
        self.bits, self.clip_sigmas = bits, clip_sigmas

    def forward(self, weight: Tensor) -> Tensor:
        rounded = quantize_rows(weight.detach(), self.bits, self.clip_sigmas).dequantize()
        return weight + (rounded.to(weight.dtype) - weight.detach())
