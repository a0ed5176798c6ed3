"""GPTQ against its definition in float64, and against plain rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.quant.gptq import (
    gptq_round,
    hessian_errors,
    importance_scales,
    inverse_factor,
    live_columns,
)
from golf.quant.grid import fp16_scales, levels, round_rows, sigma_scales


def draw(rows: int, columns: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return a matrix and the Hessian of correlated inputs of very different sizes."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.randn(columns, columns, generator=generator) / columns**0.5
    spread = torch.logspace(0, -1.5, columns)
    inputs = torch.randn(4 * columns, columns, generator=generator) @ (mix + torch.eye(columns))
    inputs = inputs * spread
    return torch.randn(rows, columns, generator=generator), inputs.T @ inputs


def grid(matrix: Tensor, bits: int = 4) -> Tensor:
    return fp16_scales(sigma_scales(matrix, bits, 3.0))


def slow_gptq(matrix: Tensor, hessian: Tensor, scales: Tensor, bits: int, damping: float) -> Tensor:
    """GPTQ from its definition: one column at a time, by elimination in the full inverse.

    After a column is fixed, the optimal change of the others is the column of H^-1 scaled by the
    error; the column then leaves the inverse. Float64, no blocks, no Cholesky factor.
    """
    w, h = matrix.double().numpy().copy(), hessian.double().numpy().copy()
    dead = np.diag(h) == 0
    h[dead, dead] = 1
    w[:, dead] = 0
    h += damping * np.diag(h).mean() * np.eye(len(h))
    order = np.argsort(-np.diag(h), kind="stable")
    inverse, codes = np.linalg.inv(h), np.zeros_like(w)
    for j in order:
        q = np.clip(np.round(w[:, j] / scales.double().numpy()), -levels(bits), levels(bits))
        codes[:, j] = q
        error = (w[:, j] - q * scales.double().numpy()) / inverse[j, j]
        w -= np.outer(error, inverse[j])
        inverse -= np.outer(inverse[:, j], inverse[j]) / inverse[j, j]
    return torch.tensor(codes).to(torch.int8)


@pytest.mark.parametrize("columns", [1, 7, 128, 129, 300])
def test_codes_are_those_of_the_definition(columns: int) -> None:
    matrix, hessian = draw(12, columns)
    scales = grid(matrix) if columns > 1 else torch.full((12,), 0.3).half()
    found = gptq_round(matrix, hessian, scales, 4, 0.01, by_diagonal=True)
    slow = slow_gptq(matrix, hessian, scales, 4, 0.01)
    plain = round_rows(matrix, scales, 4)
    rounded = (found == plain).all(1) & (slow != plain).any(1)
    assert int(rounded.sum()) <= 1, "rows may go back to rounding only where that is better"
    assert float((found[~rounded] != slow[~rounded]).float().mean()) < 2e-3


def test_an_identity_hessian_is_plain_rounding() -> None:
    matrix, _ = draw(9, 200)
    scales = grid(matrix)
    found = gptq_round(matrix, torch.eye(200), scales, 4, 0.01, by_diagonal=True)
    assert torch.equal(found, round_rows(matrix, scales, 4))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 8),
    columns=st.integers(2, 40),
    bits=st.integers(2, 8),
    damping=st.sampled_from([1e-4, 0.01, 1.0]),
    by_diagonal=st.booleans(),
    seed=st.integers(0, 999),
)
def test_no_row_is_ever_worse_than_rounded(
    rows: int, columns: int, bits: int, damping: float, by_diagonal: bool, seed: int
) -> None:
    matrix, hessian = draw(rows, columns, seed)
    scales = grid(matrix, bits)
    codes = gptq_round(matrix, hessian, scales, bits, damping, by_diagonal)
    ours = hessian_errors(codes, matrix, hessian, scales)
    plain = hessian_errors(round_rows(matrix, scales, bits), matrix, hessian, scales)
    assert bool((ours <= plain * (1 + 1e-5) + 1e-6).all())
    assert int(codes.abs().max()) <= levels(bits)


def test_it_pays_on_correlated_inputs() -> None:
    matrix, hessian = draw(32, 160)
    scales = grid(matrix)
    codes = gptq_round(matrix, hessian, scales, 4, 0.01, by_diagonal=True)
    ours = hessian_errors(codes, matrix, hessian, scales).sum()
    plain = hessian_errors(round_rows(matrix, scales, 4), matrix, hessian, scales).sum()
    assert float(ours) < 0.7 * float(plain)


def test_the_triangular_factor_agrees_with_the_dense_inverse() -> None:
    _, hessian = draw(1, 160)
    _, damped = live_columns(torch.zeros(1, 160), hessian.double(), 0.01)
    dense = torch.linalg.cholesky(torch.linalg.inv(damped), upper=True)
    found = inverse_factor(damped)
    assert float((found - dense).abs().max() / dense.abs().max()) < 1e-6
    assert torch.equal(found, found.triu())


def test_dead_columns_get_no_codes_and_no_influence() -> None:
    matrix, hessian = draw(6, 50)
    hessian[7], hessian[:, 7] = 0, 0
    scales = grid(matrix)
    codes = gptq_round(matrix, hessian, scales, 4, 0.01, by_diagonal=True)
    other = matrix.clone()
    other[:, 7] = 99.0
    assert torch.equal(codes[:, 7], torch.zeros(6, dtype=torch.int8))
    assert torch.equal(gptq_round(other, hessian, scales, 4, 0.01, by_diagonal=True), codes)


def test_rows_do_not_depend_on_each_other() -> None:
    matrix, hessian = draw(10, 60)
    scales = grid(matrix)
    together = gptq_round(matrix, hessian, scales, 4, 0.01, by_diagonal=True)
    alone = gptq_round(matrix[3:4], hessian, scales[3:4], 4, 0.01, by_diagonal=True)
    assert torch.equal(together[3:4], alone)


def test_importance_widens_rows_that_matter_more() -> None:
    matrix = torch.ones(2, 4) * torch.tensor([[3.0], [1.0]])
    scales = importance_scales(torch.ones(2), matrix, torch.eye(4), 0.5)
    assert scales.tolist() == pytest.approx([1 + 0.5 * 0.5, 1 - 0.5 * 0.5])
    loud = torch.diag(torch.tensor([1.0, 1.0, 1.0, 97.0]))
    matrix = torch.tensor([[0.0, 0.0, 0.0, 1.0], [1.0, 1.0, 1.0, 0.0]])
    found = importance_scales(torch.ones(2), matrix, loud, 0.1)
    assert float(found[0]) > 1.05 > 0.95 > float(found[1])


@pytest.mark.parametrize(("weights", "inputs"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_importance_leaves_grids_alone_where_nothing_matters(weights: float, inputs: float) -> None:
    matrix, hessian = torch.full((2, 4), weights), inputs * torch.eye(4)
    assert importance_scales(torch.ones(2), matrix, hessian, 0.5).tolist() == [1.0, 1.0]
