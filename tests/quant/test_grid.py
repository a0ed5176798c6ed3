"""The grid: how far a weight can move, and rows that are out of the ordinary."""

from __future__ import annotations

import statistics

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.config.resolve import CLIP_SIGMAS
from golf.quant.grid import (
    SEARCHED_QUANTILES,
    Codes,
    fp16_scales,
    levels,
    quantile_scales,
    quantize_by_quantile,
    quantize_rows,
    round_rows,
    row_quantile,
    searched_scales,
    sigma_scales,
)

BITS = pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 7, 8])


def draw(rows: int, columns: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(rows, columns, generator=generator)


def default(matrix: Tensor, bits: int) -> Codes:
    return quantize_rows(matrix, bits, CLIP_SIGMAS[bits])


@pytest.mark.parametrize(
    ("bits", "most"), [(2, 1), (3, 3), (4, 7), (5, 15), (6, 31), (7, 63), (8, 127)]
)
def test_the_range_is_symmetric_and_leaves_one_code_out(bits: int, most: int) -> None:
    assert levels(bits) == most
    spikes = torch.eye(2000)[:2] * torch.tensor([[1.0], [-1.0]])
    codes = default(spikes, bits).codes
    assert codes.dtype == torch.int8
    assert (codes.max(), codes.min()) == (most, -most)


@settings(max_examples=60, deadline=None)
@given(
    bits=st.integers(2, 8),
    clip=st.floats(0.1, 30),
    shape=st.tuples(st.integers(1, 6), st.integers(2, 40)),
    scale=st.floats(1e-6, 1e4),
    seed=st.integers(0, 999),
)
def test_a_weight_inside_the_clip_moves_by_half_a_step_at_most(
    bits: int, clip: float, shape: tuple[int, int], scale: float, seed: int
) -> None:
    matrix = draw(*shape, seed=seed, scale=scale)
    coded = quantize_rows(matrix, bits, clip)
    step = coded.scales.double()[:, None]
    moved = (coded.dequantize().double() - matrix.double()).abs()
    inside = matrix.double().abs() <= step * levels(bits)
    assert bool((moved <= step * 0.50001)[inside].all())
    edge = (matrix.sign() * step * levels(bits)).double()
    assert torch.equal(coded.dequantize().double()[~inside], edge[~inside])


@BITS
def test_codes_are_the_nearest_multiples_of_the_fp16_scale(bits: int) -> None:
    matrix = draw(5, 30)
    coded = default(matrix, bits)
    assert coded.scales.dtype == torch.float16
    for row, codes, scale in zip(matrix.tolist(), coded.codes, coded.scales.tolist(), strict=True):
        assert scale == pytest.approx(
            CLIP_SIGMAS[bits] * statistics.stdev(row) / levels(bits), rel=2**-10
        )
        nearest = [max(-levels(bits), min(levels(bits), round(w / scale))) for w in row]
        assert codes.tolist() == nearest


def test_more_bits_never_move_gaussian_rows_further() -> None:
    matrix = draw(64, 512)
    errors = [(default(matrix, bits).dequantize() - matrix).square().mean() for bits in range(2, 9)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 10 * errors[-1]


@BITS
def test_a_row_of_zeros_comes_back_as_zeros(bits: int) -> None:
    assert torch.equal(default(torch.zeros(3, 8), bits).dequantize(), torch.zeros(3, 8))


@BITS
@pytest.mark.parametrize("value", [0.5, -3.0])
def test_a_constant_row_keeps_its_sign_and_stays_finite(bits: int, value: float) -> None:
    back = default(torch.full((2, 16), value), bits).dequantize()
    assert bool(back.isfinite().all())
    assert bool((back.sign() == (1 if value > 0 else -1)).all())


@BITS
@pytest.mark.parametrize("scale", [1e-9, 1e-30, 1e-45])
def test_rows_below_the_smallest_scale_become_zeros(bits: int, scale: float) -> None:
    back = default(draw(2, 16, scale=scale), bits).dequantize()
    assert torch.equal(back, torch.zeros(2, 16))


@BITS
@pytest.mark.parametrize("scale", [1e5, 1e7, 1e30])
def test_huge_rows_stay_finite(bits: int, scale: float) -> None:
    back = default(draw(2, 16, scale=scale), bits).dequantize()
    assert bool(back.isfinite().all())


@BITS
def test_each_row_has_a_grid_of_its_own(bits: int) -> None:
    matrix = draw(3, 40) * torch.tensor([[1e-3], [1.0], [1e3]])
    together = default(matrix, bits)
    for i in range(3):
        alone = default(matrix[i : i + 1], bits)
        assert torch.equal(together.codes[i], alone.codes[0])
        assert together.scales[i] == alone.scales[0]


def test_a_wider_clip_makes_a_coarser_grid_with_fewer_codes() -> None:
    matrix = draw(16, 256)
    counts = [quantize_rows(matrix, 8, k).codes.unique().numel() for k in (3.0, 6.0, 12.0, 24.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 2 * counts[-1]


def test_half_precision_input_is_measured_in_float32() -> None:
    matrix = draw(4, 64).bfloat16()
    coded, expected = default(matrix, 8), default(matrix.float(), 8)
    assert torch.equal(coded.codes, expected.codes)
    assert torch.equal(coded.scales, expected.scales)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 50), st.floats(0, 1), st.integers(0, 99))
def test_row_quantiles_are_those_of_a_full_sort(columns: int, quantile: float, seed: int) -> None:
    values = draw(3, columns, seed)
    expected = torch.quantile(values.double(), quantile, dim=1)
    torch.testing.assert_close(row_quantile(values, quantile).double(), expected)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.1, 20), st.floats(1.01, 4), st.integers(2, 8))
def test_scales_grow_with_the_clip(clip: float, more: float, bits: int) -> None:
    matrix = draw(4, 30)
    assert bool((sigma_scales(matrix, bits, clip * more) > sigma_scales(matrix, bits, clip)).all())


def test_the_search_keeps_the_quantile_that_moves_weights_least() -> None:
    matrix = draw(8, 4000)
    matrix[:, 0] = 60.0
    found = searched_scales(matrix, 5)
    errors = {}
    for quantile in SEARCHED_QUANTILES:
        scales = fp16_scales(quantile_scales(matrix, 5, quantile))
        back = Codes(round_rows(matrix, scales, 5), scales).dequantize()
        errors[quantile] = float((back - matrix).square().mean())
    best = min(errors, key=lambda q: errors[q])
    assert torch.equal(found, quantile_scales(matrix, 5, best))
    assert errors[best] < errors[SEARCHED_QUANTILES[0]] or best == SEARCHED_QUANTILES[0]


def test_a_scale_floor_makes_small_rows_coarse_and_leaves_large_ones() -> None:
    matrix = draw(2, 50) * torch.tensor([[0.01], [10.0]])
    for floored, free in (
        (quantize_rows(matrix, 8, 6.0, floor=0.05), quantize_rows(matrix, 8, 6.0)),
        (quantize_by_quantile(matrix, 8, floor=0.05), quantize_by_quantile(matrix, 8)),
    ):
        assert float(floored.scales[0]) == pytest.approx(0.05, rel=2**-11)
        assert torch.equal(floored.codes[1], free.codes[1])
        assert int(floored.codes[0].abs().max()) <= 1
        assert int(free.codes[0].abs().max()) > 20


def test_groups_smaller_than_a_row_have_scales_of_their_own() -> None:
    codes = torch.ones(2, 4, dtype=torch.int8)
    coded = Codes(codes, torch.tensor([1.0, 2.0, 3.0, 4.0]).half())
    assert coded.dequantize().tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]
