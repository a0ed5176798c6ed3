"""Rotary embedding as a rotation of complex numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from golf.model.linear import rms_norm
from golf.model.rope import Rope, build_rope, frequencies
from tests.model.tools import assert_plain, config, draw

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


def rope_of(dims: int, base: float, length: int) -> Rope:
    return Rope(frequencies(dims, base), length, 1.0)


def turn(rope: Rope, x: Tensor, starts: Tensor | None = None) -> Tensor:
    return rope(x, rope.at(x.size(1), starts))


@SHAPES
@pytest.mark.parametrize("base", [10000.0, 1000.0, 1.0])
def test_pairs_turn_like_complex_numbers(dims: int, head_dim: int, base: float) -> None:
    x = draw(2, 40, 3, head_dim)
    turned = turn(rope_of(dims, base, 64), x).double()
    torch.testing.assert_close(turned, turn_slowly(x, dims, base), atol=2e-5, rtol=0)


@SHAPES
def test_channels_beyond_the_turned_ones_are_untouched(dims: int, head_dim: int) -> None:
    x = draw(1, 20, 2, head_dim)
    turned = turn(rope_of(dims, 10000.0, 20), x)
    assert torch.equal(turned[..., dims:], x[..., dims:])
    assert not torch.isclose(turned[:, 1:, :, :dims], x[:, 1:, :, :dims]).any(-1).all()


@SHAPES
def test_position_zero_is_untouched_and_norms_are_kept(dims: int, head_dim: int) -> None:
    x = draw(2, 50, 2, head_dim)
    turned = turn(rope_of(dims, 10000.0, 50), x)
    assert torch.equal(turned[:, 0], x[:, 0])
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))


@SHAPES
def test_scores_depend_only_on_the_distance(dims: int, head_dim: int) -> None:
    q, k = draw(2, head_dim).unbind()
    rope = rope_of(dims, 10000.0, 96)
    turned_q, turned_k = (turn(rope, x.expand(1, 96, 1, head_dim))[0, :, 0] for x in (q, k))
    scores = turned_q @ turned_k.T
    torch.testing.assert_close(scores[1:, 1:], scores[:-1, :-1], atol=1e-4, rtol=0)
    assert scores[0].std() > 0.05


@SHAPES
def test_turning_and_normalising_commute(dims: int, head_dim: int) -> None:
    x = 3 * draw(2, 60, 2, head_dim)
    rope = rope_of(dims, 10000.0, 60)
    torch.testing.assert_close(turn(rope, rms_norm(x)), rms_norm(turn(rope, x)), atol=1e-5, rtol=0)


def test_zero_dims_turn_the_whole_head() -> None:
    x = draw(1, 30, 2, 16)
    made = build_rope(config(head_dim=16, rope_base=500.0), 30)
    assert torch.equal(turn(made, x), turn(rope_of(16, 500.0, 30), x))


def test_a_short_text_is_turned_like_the_start_of_a_long_one() -> None:
    x, rope = draw(1, 30, 2, 16), rope_of(16, 10000.0, 128)
    assert torch.equal(turn(rope, x[:, :7]), turn(rope, x)[:, :7])


def test_every_document_begins_at_position_zero() -> None:
    x, rope = draw(2, 9, 2, 16), rope_of(16, 10000.0, 9)
    starts = torch.tensor([[0, 0, 0, 3, 3, 3, 3, 7, 7], [0, 1, 1, 1, 1, 1, 1, 1, 1]])
    turned = turn(rope, x, starts)
    for b, low, high in ((0, 0, 3), (0, 3, 7), (0, 7, 9), (1, 0, 1), (1, 1, 9)):
        assert torch.equal(turned[b, low:high], turn(rope, x[b : b + 1, low:high])[0])


def test_it_learns_nothing_and_leaves_nothing_in_a_checkpoint() -> None:
    rope = rope_of(16, 10000.0, 128)
    assert not list(rope.parameters()) and not rope.state_dict()


def angles(seq_len: int, **changes: object) -> list[float]:
    """Return the angle by which each pair turns from one position to the next."""
    rope = build_rope(config(head_dim=16, **changes), seq_len)
    return torch.atan2(rope.sin_TR[1], rope.cos_TR[1]).tolist()


def test_ntk_enlarges_the_base_so_that_the_slowest_pair_turns_as_far_as_before() -> None:
    plain = angles(64, rope_base=100.0)
    stretched = angles(64, rope_base=100.0, rope_train_len=16)
    base = 100 * 4 ** (16 / 14)
    assert stretched == pytest.approx([base ** (-2 * j / 16) for j in range(8)], rel=1e-5)
    assert stretched[0] == pytest.approx(plain[0])
    assert stretched[-1] == pytest.approx(plain[-1] / 4, rel=1e-5)


def test_yarn_keeps_fast_pairs_slows_slow_ones_and_blends_between() -> None:
    changes = {"rope_base": 10000.0, "rope_train_len": 512, "rope_scaling": "yarn"}
    plain, stretched = angles(2048, rope_base=10000.0), angles(2048, **changes)
    turns = [512 * speed / (2 * math.pi) for speed in plain]
    assert turns[0] > 32 > turns[1] > 1 > turns[-1]  # one of each kind
    for before, after, turned in zip(plain, stretched, turns, strict=True):
        ramp = min(max((turned - 1) / 31, 0), 1)
        assert after == pytest.approx(before * (1 / 4 + ramp * 3 / 4), rel=1e-4)
    assert build_rope(config(**changes), 2048).sharpness == pytest.approx(0.2 * math.log(4) + 1)


@pytest.mark.parametrize("scaling", ["ntk", "yarn"])
def test_sequences_of_the_length_that_positions_are_meant_for_are_not_scaled(scaling: str) -> None:
    made = build_rope(config(rope_train_len=64, rope_scaling=scaling), 64)
    assert torch.equal(made.cos_TR, build_rope(config(), 64).cos_TR)
    assert made.sharpness == 1.0


@pytest.mark.parametrize(
    "changes",
    [
        {"rope_dims": 4},
        {"rope_dims": 2, "rope_base": 100.0, "n_kv_head": 2},
        {"rope_train_len": 8},
        {"rope_train_len": 8, "rope_dims": 6, "rope_base": 50.0},
        {"rope_train_len": 8, "rope_scaling": "yarn", "rope_base": 50.0},
        {"rope_train_len": 8, "rope_scaling": "yarn", "q_gain": 1.5, "qk_norm": False},
    ],
    ids=str,
)
def test_a_model_turned_in_any_way_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)
