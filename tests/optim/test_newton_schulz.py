"""Orthogonalisation: bit-equal to the published program, and a map of singular values."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from golf.optim.newton_schulz import orthogonalize

FIXTURE = Path(__file__).parent.parent / "data" / "fidelity" / "newton_schulz.safetensors"
SHAPES = pytest.mark.parametrize("shape", [(64, 96), (96, 64), (48, 48), (8, 200), (1, 7)], ids=str)


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def orthogonalize_slowly(matrix: Tensor, steps: int) -> Tensor:
    """Apply the quintic to the singular values alone."""
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    s = s / (s.square().sum().sqrt() + 1e-7)
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return u @ s.diag() @ v


@pytest.mark.parametrize("name", ["ns", "ns_tall"])
def test_five_bfloat16_steps_equal_the_published_program_to_the_bit(name: str) -> None:
    fixture = load_file(FIXTURE)
    result = orthogonalize(fixture[f"{name}.in"][None], 5, torch.bfloat16)[0]
    assert result.dtype == torch.bfloat16
    assert torch.equal(result.float(), fixture[f"{name}.classic"])


@SHAPES
@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_it_applies_the_quintic_to_the_singular_values(shape: tuple[int, int], steps: int) -> None:
    matrix = draw(*shape)
    result = orthogonalize(matrix[None], steps, torch.float64)[0]
    torch.testing.assert_close(result, orthogonalize_slowly(matrix, steps), atol=1e-10, rtol=0)


@pytest.mark.parametrize("shape", [(64, 96), (96, 64), (32, 128), (128, 32)], ids=str)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_five_steps_bring_singular_values_close_to_one(shape: tuple[int, int], seed: int) -> None:
    values = torch.linalg.svdvals(orthogonalize(draw(*shape, seed=seed)[None], 5, torch.float64))
    assert values.min() > 0.675
    assert values.max() < 1.135


@SHAPES
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_batch_is_orthogonalised_matrix_by_matrix(
    shape: tuple[int, int], dtype: torch.dtype
) -> None:
    batch = torch.stack([10.0**i * draw(*shape, seed=i) for i in range(3)])
    together = orthogonalize(batch, 5, dtype)
    alone = torch.cat([orthogonalize(m[None], 5, dtype) for m in batch])
    rough = dtype == torch.bfloat16
    torch.testing.assert_close(together, alone, atol=0.05 if rough else 1e-5, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(1e-2, 1e6), st.integers(0, 99))
def test_scale_does_not_matter_and_transposing_commutes(
    rows: int, columns: int, scale: float, seed: int
) -> None:
    matrix = draw(1, rows, columns, seed=seed)
    result = orthogonalize(matrix, 5, torch.float64)
    scaled = orthogonalize(scale * matrix, 5, torch.float64)
    torch.testing.assert_close(scaled, result, atol=1e-3, rtol=0)
    turned = orthogonalize(matrix.mT, 5, torch.float64)
    torch.testing.assert_close(turned.mT, result, atol=1e-9, rtol=0)


def test_a_zero_matrix_stays_zero() -> None:
    assert torch.equal(orthogonalize(torch.zeros(2, 3, 4), 5), torch.zeros(2, 3, 4).bfloat16())


def test_the_input_is_left_as_it_was() -> None:
    matrix = draw(1, 4, 6)
    orthogonalize(matrix, 5, torch.float64)
    assert torch.equal(matrix, draw(1, 4, 6))
