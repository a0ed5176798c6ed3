"""Orthogonalisation: bit-equal to the published program, and a map of singular values."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from golf.optim.newton_schulz import normalize_rows, orthogonalize, product_in_float32

FIXTURE = Path(__file__).parent.parent / "data" / "fidelity" / "newton_schulz.safetensors"
POLAR = [  # as published, from the first step to the fifth
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
]
QUINTICS = {
    "classic": [(3.4445, -4.7750, 2.0315)] * 20, "polar": POLAR, "polar_safe": POLAR,
}  # fmt: skip
FORMS = pytest.mark.parametrize("form", QUINTICS)
SHAPES = pytest.mark.parametrize("shape", [(64, 96), (96, 64), (48, 48), (8, 200), (1, 7)], ids=str)


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def orthogonalize_slowly(matrix: Tensor, steps: int, form: str = "classic") -> Tensor:
    """Apply the quintics to the singular values alone."""
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    length = s.square().sum().sqrt()
    s = s / (1.02 * length + 1e-6 if form == "polar_safe" else length + 1e-7)
    for a, b, c in QUINTICS[form][:steps]:
        s = a * s + b * s**3 + c * s**5
    return u @ s.diag() @ v


@pytest.mark.parametrize("name", ["ns", "ns_tall"])
@pytest.mark.parametrize("form", ["classic", "polar"])
def test_five_bfloat16_steps_equal_the_published_program_to_the_bit(name: str, form: str) -> None:
    fixture = load_file(FIXTURE)
    result = orthogonalize(fixture[f"{name}.in"][None], 5, torch.bfloat16, form)[0]
    assert result.dtype == torch.bfloat16
    assert torch.equal(result.float(), fixture[f"{name}.{form}"])


@SHAPES
@FORMS
@pytest.mark.parametrize("steps", [0, 1, 3, 5])
def test_it_applies_the_quintics_to_the_singular_values(
    shape: tuple[int, int], form: str, steps: int
) -> None:
    matrix = draw(*shape)
    result = orthogonalize(matrix[None], steps, torch.float64, form)[0]
    expected = orthogonalize_slowly(matrix, steps, form)
    torch.testing.assert_close(result, expected, atol=1e-10, rtol=0)


@pytest.mark.parametrize("shape", [(64, 96), (96, 64), (32, 128), (128, 32)], ids=str)
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("form", "least"), [("classic", 0.675), ("polar", 0.855)])
def test_five_steps_bring_singular_values_close_to_one(
    shape: tuple[int, int], seed: int, form: str, least: float
) -> None:
    matrix = draw(*shape, seed=seed)[None]
    values = torch.linalg.svdvals(orthogonalize(matrix, 5, torch.float64, form))
    assert values.min() > least
    assert values.max() < 1.145


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


@SHAPES
def test_rows_are_brought_to_length_one_and_rows_of_zeros_stay(shape: tuple[int, int]) -> None:
    batch = torch.stack([10.0**i * draw(*shape, seed=i) for i in range(3)])
    batch[1, 0] = 0
    found = normalize_rows(batch)
    for i, j in itertools.product(range(3), range(shape[0])):
        length = batch[i, j].square().sum().sqrt().clamp(min=1e-7)
        torch.testing.assert_close(found[i, j], batch[i, j] / length)


def test_the_input_is_left_as_it_was() -> None:
    matrix = draw(1, 4, 6)
    orthogonalize(matrix, 5, torch.float64)
    assert torch.equal(matrix, draw(1, 4, 6))


def test_products_in_float32_are_those_of_bfloat16_up_to_the_order_of_sums() -> None:
    matrix = draw(2, 40, 96).bfloat16()
    exact = matrix.double() @ matrix.mT.double()
    made = product_in_float32(matrix, matrix.mT)
    assert made.dtype == torch.bfloat16
    torch.testing.assert_close(made, exact.bfloat16(), rtol=2**-8, atol=1e-6)
    steps = [orthogonalize(matrix, 5, product=p) for p in (torch.matmul, product_in_float32)]
    assert (steps[0] - steps[1]).norm() < 0.02 * steps[0].norm()
