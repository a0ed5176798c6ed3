"""Rotary embedding as a rotation of complex numbers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.model.linear import rms_norm
from golf.model.rope import Rope, build_rope

SHAPES = pytest.mark.parametrize(
    ("dims", "head_dim"), [(16, 16), (8, 16), (2, 6), (4, 32)], ids=lambda n: str(n)
)


def turn_slowly(x: Tensor, dims: int, base: float) -> Tensor:
    """Turn pair (j, j + dims/2) at position p by -p * base^(-2j/dims), as complex numbers."""
    x = x.double().clone()
    half = dims // 2
    for p in range(x.size(1)):
        for j in range(half):
            angle = torch.tensor(-p * base ** (-2 * j / dims), dtype=torch.float64)
            turned = torch.complex(x[:, p, :, j], x[:, p, :, j + half]) * torch.polar(
                torch.ones_like(angle), angle
            )
            x[:, p, :, j], x[:, p, :, j + half] = turned.real, turned.imag
    return x


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@SHAPES
@pytest.mark.parametrize("base", [10000.0, 1000.0, 1.0])
def test_pairs_turn_like_complex_numbers(dims: int, head_dim: int, base: float) -> None:
    x = draw(2, 40, 3, head_dim)
    turned = Rope(dims, base, 64)(x).double()
    torch.testing.assert_close(turned, turn_slowly(x, dims, base), atol=2e-5, rtol=0)


@SHAPES
def test_channels_beyond_the_turned_ones_are_untouched(dims: int, head_dim: int) -> None:
    x = draw(1, 20, 2, head_dim)
    turned = Rope(dims, 10000.0, 20)(x)
    assert torch.equal(turned[..., dims:], x[..., dims:])
    assert not torch.isclose(turned[:, 1:, :, :dims], x[:, 1:, :, :dims]).any(-1).all()


@SHAPES
def test_position_zero_is_untouched_and_norms_are_kept(dims: int, head_dim: int) -> None:
    x = draw(2, 50, 2, head_dim)
    turned = Rope(dims, 10000.0, 50)(x)
    assert torch.equal(turned[:, 0], x[:, 0])
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))


@SHAPES
def test_scores_depend_only_on_the_distance(dims: int, head_dim: int) -> None:
    q, k = draw(2, head_dim).unbind()
    rope = Rope(dims, 10000.0, 96)
    turned_q, turned_k = (rope(x.expand(1, 96, 1, head_dim))[0, :, 0] for x in (q, k))
    scores = turned_q @ turned_k.T
    torch.testing.assert_close(scores[1:, 1:], scores[:-1, :-1], atol=1e-4, rtol=0)
    assert scores[0].std() > 0.05


@SHAPES
def test_turning_and_normalising_commute(dims: int, head_dim: int) -> None:
    x = 3 * draw(2, 60, 2, head_dim)
    rope = Rope(dims, 10000.0, 60)
    torch.testing.assert_close(rope(rms_norm(x)), rms_norm(rope(x)), atol=1e-5, rtol=0)


def test_zero_dims_turn_the_whole_head() -> None:
    x = draw(1, 30, 2, 16)
    assert torch.equal(build_rope(0, 16, 500.0, 30)(x), Rope(16, 500.0, 30)(x))


def test_a_short_text_is_turned_like_the_start_of_a_long_one() -> None:
    x = draw(1, 30, 2, 16)
    rope = Rope(16, 10000.0, 128)
    assert torch.equal(rope(x[:, :7]), rope(x)[:, :7])


def test_it_learns_nothing_and_leaves_nothing_in_a_checkpoint() -> None:
    rope = Rope(16, 10000.0, 128)
    assert not list(rope.parameters()) and not rope.state_dict()
