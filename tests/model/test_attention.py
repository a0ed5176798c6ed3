"""Attention's own slots: norm and gain of the heads, and what it hands to its parts."""

from __future__ import annotations

import pytest
import torch

from golf.model.attention import QueryGain, build_query_gain
from golf.model.linear import RmsNorm
from tests.model.tools import assert_plain, build, draw, draw_tokens, logits_of, randomised


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_kv_head": 2},
        {"n_kv_head": 1, "q_gain": 1.5},
        {"head_dim": 16, "n_kv_head": 1, "qk_norm": False},
        {"window_pattern": "SL", "short_window": 0.2},
        {"window_pattern": "SSL", "short_window": 0.05, "depth": 5},
    ],
    ids=str,
)
def test_it_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)


def test_a_gain_of_one_changes_no_bit_and_none_is_no_part_at_all() -> None:
    q = draw(2, 5, 3, 8)
    assert torch.equal(build_query_gain(3, 1.0)(q), q)
    absent = build_query_gain(3, None)
    assert absent(q) is q
    assert not list(absent.parameters())


def test_the_gain_scales_each_head_by_its_own_factor() -> None:
    gain = build_query_gain(3, 1.5)
    assert isinstance(gain, QueryGain)
    assert gain.gain_H.tolist() == [1.5, 1.5, 1.5]
    gain.gain_H.data = torch.tensor([0.5, -2.0, 4.0])
    q = draw(2, 5, 3, 8)
    for head, factor in enumerate([0.5, -2.0, 4.0]):
        assert torch.equal(gain(q)[:, :, head], q[:, :, head] * factor)


def test_normed_heads_have_a_mean_square_of_one() -> None:
    x = draw(2, 5, 3, 8, scale=7)
    torch.testing.assert_close(RmsNorm()(x).square().mean(-1), torch.ones(2, 5, 3))


def test_with_normed_heads_the_length_of_the_projections_does_not_matter() -> None:
    model = randomised(build())
    longer = build()
    longer.load_state_dict(model.state_dict())
    for block in longer.blocks:
        block.attention.q.master.data *= 4
        block.attention.k.master.data *= 5
    tokens = draw_tokens(batch=2)
    torch.testing.assert_close(model.logits(tokens), longer.logits(tokens), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(logits_of(model, qk_norm=False), logits_of(longer, qk_norm=False))
