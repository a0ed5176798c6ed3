"""The rotation: orthogonal, undone exactly, and good for rows with outliers."""

from __future__ import annotations

import pytest
import torch

from golf.config.schema.quant import QuantConfig
from golf.quant.grid import Codes, quantize_rows
from golf.quant.quantize import quantize_weights
from golf.quant.rotate import rotate_columns, rotate_hessian, unrotate_columns

WIDTHS = pytest.mark.parametrize("width", [1, 2, 3, 12, 64, 96, 512])


@WIDTHS
def test_it_is_orthogonal_and_undone(width: int) -> None:
    turned = rotate_columns(torch.eye(width))
    torch.testing.assert_close(turned @ turned.T, torch.eye(width), rtol=0, atol=1e-5)
    matrix = torch.randn(5, width, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(matrix @ turned, rotate_columns(matrix), rtol=0, atol=1e-4)
    torch.testing.assert_close(unrotate_columns(rotate_columns(matrix)), matrix)


def test_the_hessian_turns_with_the_columns() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs, matrix = (torch.randn(9, 24, generator=generator) for _ in range(2))
    outputs = inputs @ matrix.T
    turned = rotate_columns(inputs) @ rotate_columns(matrix).T
    torch.testing.assert_close(turned, outputs, rtol=0, atol=1e-4)
    expected = rotate_columns(inputs).T @ rotate_columns(inputs)
    torch.testing.assert_close(rotate_hessian(inputs.T @ inputs), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("width", [2, 64, 512])
def test_a_spike_is_spread_over_its_block(width: int) -> None:
    assert float(rotate_columns(torch.eye(width)).abs().max()) == pytest.approx(width**-0.5)


def test_outlying_columns_survive_few_bits_better() -> None:
    matrix = torch.randn(32, 256, generator=torch.Generator().manual_seed(0))
    matrix[:, 3] *= 40
    config = QuantConfig(bits=4, attn_clip_sigmas=3.0, rotate=True)
    turned = quantize_weights({"q": matrix}, {"q": "attn"}, config)["q"]
    assert isinstance(turned, Codes)
    plain = quantize_rows(matrix, 4, 3.0)
    errors = [float((c.dequantize() - matrix).norm()) for c in (turned, plain)]
    assert errors[0] < 0.5 * errors[1]
