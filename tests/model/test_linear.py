"""Linear maps: how they start, and what their heads share."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.model.linear import Linear, SharedHeadLinear, rms_norm
from golf.model.roles import ATTN_MATRIX
from tests.model.plain_parts import averaged
from tests.model.tools import assert_plain, build, draw, draw_tokens, logits_of, randomised

SHARED = {"rope_dims": 4, "shared_head_dim": 3}


def started(start: str, n_in: int, n_out: int) -> Tensor:
    torch.manual_seed(0)
    return Linear(n_in, n_out, ATTN_MATRIX, start).master.detach()


@pytest.mark.parametrize(
    ("start", "bound"), [("uniform", (3 / 400) ** 0.5), ("kaiming", 400**-0.5)]
)
def test_uniform_starts_fill_their_range(start: str, bound: float) -> None:
    weight = started(start, 400, 100)
    assert 0.999 * bound < weight.abs().max() <= bound
    assert weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert weight.mean().abs() < 0.02 * bound


@pytest.mark.parametrize("shape", [(64, 64), (64, 128), (128, 64)])
def test_an_orthogonal_start_has_singular_values_of_one(shape: tuple[int, int]) -> None:
    values = torch.linalg.svdvals(started("orthogonal", *shape))
    torch.testing.assert_close(values, torch.ones_like(values), atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(63, 128), (128, 63), (12, 1)])
def test_maps_with_a_small_side_start_like_pytorchs_own(shape: tuple[int, int]) -> None:
    assert torch.equal(started("orthogonal", *shape), started("kaiming", *shape))


def test_a_zero_start_is_zero() -> None:
    assert not started("zero", 8, 8).any()


@settings(max_examples=30, deadline=None)
@given(heads=st.integers(1, 6), own=st.integers(0, 5), shared=st.integers(1, 5))
def test_the_last_rows_of_each_head_are_their_mean_over_heads(
    heads: int, own: int, shared: int
) -> None:
    part = SharedHeadLinear(7, heads, own + shared, shared, ATTN_MATRIX, "uniform")
    expected = averaged(part.master.detach(), heads, shared)
    torch.testing.assert_close(part.weight(), expected)
    x = draw(2, 7)
    torch.testing.assert_close(part(x), x @ expected.T, atol=1e-5, rtol=1e-5)


def test_gradients_of_shared_rows_are_averaged_and_masters_stay_apart() -> None:
    part, toward = SharedHeadLinear(7, 3, 4, 2, ATTN_MATRIX, "uniform"), draw(12, 7)
    master = part.master.detach().clone()
    (part.weight() * toward).sum().backward()
    expected = averaged(toward, 3, 2)
    torch.testing.assert_close(part.master.grad, expected)
    assert torch.equal(part.master, master)


def test_rms_norm_divides_by_the_root_mean_square() -> None:
    x = draw(3, 8, scale=5).double()
    expected = x / x.square().mean(-1, keepdim=True).sqrt()
    torch.testing.assert_close(rms_norm(x), expected)
    assert not rms_norm(torch.zeros(2, 8)).any()


@pytest.mark.parametrize(
    "changes",
    [{}, {"n_kv_head": 2}, {"n_kv_head": 1, "q_gain": 1.5}, {"shared_head_dim": 4}],
    ids=str,
)
def test_a_model_with_shared_channels_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**{**SHARED, **changes})


@pytest.mark.parametrize("heads", [None, 2, 1])
def test_baking_moves_the_logits_by_rounding_alone(heads: int | None) -> None:
    model = randomised(build(n_kv_head=heads, **SHARED))
    before = model.logits(draw_tokens(batch=2)).detach()
    unbaked = {n: p.detach().clone() for n, p in model.named_parameters()}
    model.bake()
    torch.testing.assert_close(model.logits(draw_tokens(batch=2)), before, atol=2e-5, rtol=1e-5)
    moved = {
        n.split(".")[-2] for n, p in model.named_parameters() if not torch.equal(p, unbaked[n])
    }
    assert moved == ({"q"} if heads == 1 else {"q", "k"})
    plain = logits_of(model, rope_dims=4, n_kv_head=heads)
    torch.testing.assert_close(plain, before, atol=2e-5, rtol=1e-5)


def test_shared_rows_of_a_baked_model_are_equal_to_the_bit() -> None:
    model = randomised(build(**SHARED))
    model.bake()
    heads = model.blocks[0].attention.q.master.unflatten(0, (4, 8))
    assert all(torch.equal(heads[h, -3:], heads[0, -3:]) for h in range(4))
    assert not torch.equal(heads[1, :-3], heads[0, :-3])
    again = heads.clone()
    model.bake()
    torch.testing.assert_close(model.blocks[0].attention.q.master.unflatten(0, (4, 8)), again)
