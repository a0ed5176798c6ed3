"""Exclusive self-attention: heads drop what lies along their own position's value."""

from __future__ import annotations

import pytest
import torch

from golf.model.exclude import Exclude, GatedExclude, KeepAll, build_exclude
from tests.model.tools import assert_plain, build, config, draw, draw_tokens, randomised

HEADS = pytest.mark.parametrize("kv_heads", [4, 2, 1])


@pytest.mark.parametrize(
    "changes",
    [
        {"xsa": "all"},
        {"xsa": "last:2", "n_kv_head": 2},
        {"xsa": "0", "n_kv_head": 1, "value_embed": "all"},
        {"xsa": "all", "value_residual": True, "attn_gate": "gated"},
        {"xsa": "1,2", "xsa_gated": True, "n_kv_head": 2, "q_gain": 2.0},
    ],
    ids=str,
)
def test_it_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)


@HEADS
def test_nothing_is_left_along_the_value_of_the_own_position(kv_heads: int) -> None:
    y, v = draw(2, 5, 4, 8), draw(2, 5, kv_heads, 8, seed=1)
    kept = Exclude()(y, v)
    own = v.repeat_interleave(4 // kv_heads, 2)
    torch.testing.assert_close((kept * own).sum(-1), torch.zeros(2, 5, 4), atol=1e-5, rtol=0)
    dropped = y - kept
    lengths = (y * own).sum(-1).abs() / own.norm(dim=-1)
    torch.testing.assert_close(dropped.norm(dim=-1), lengths, atol=1e-5, rtol=1e-5)


@HEADS
@pytest.mark.parametrize("size", [0.0, 1e-30, 1e-6, 1.0, 1e10])
def test_a_head_that_reads_its_own_value_alone_is_left_with_nothing(
    kv_heads: int, size: float
) -> None:
    v = (size * draw(1, 3, kv_heads, 8)).requires_grad_()
    kept = Exclude()(v.repeat_interleave(4 // kv_heads, 2), v)
    assert kept.abs().max() <= max(1e-5 * size, 1e-12)
    kept.sum().backward()
    assert v.grad is not None and v.grad.isfinite().all()


def test_attention_at_the_first_position_gives_next_to_nothing() -> None:
    model, read = randomised(build(xsa="all")), {}

    def remember(slot: object, name: str, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        read.setdefault(name, x)
        return y

    logits = model.logits(draw_tokens(), taps=(remember,))
    assert logits.isfinite().all()
    assert read["out"][0, 0].abs().max() < 1e-5
    assert read["out"][0, 1].abs().max() > 1e-2


def test_a_gate_drops_a_learned_share_per_head_almost_all_at_first() -> None:
    y, v, part = draw(2, 5, 4, 8), draw(2, 5, 2, 8, seed=1), GatedExclude(4)
    dropped = y - Exclude()(y, v)
    torch.testing.assert_close(y - part(y, v), 0.98201379 * dropped, atol=1e-6, rtol=1e-4)
    part.gate_H.data = torch.tensor([-1.0, 0.0, 2.0, 30.0])
    shares = 1 / (1 + torch.exp(-part.gate_H.detach()))
    expected = y - shares[:, None] * dropped
    torch.testing.assert_close(part(y, v), expected)


def test_it_stands_in_the_chosen_layers_only_and_weighs_nothing_without_a_gate() -> None:
    made = config(xsa="last:2", depth=4)
    parts = [build_exclude(made, i, 4) for i in range(4)]
    assert [type(p) for p in parts] == [KeepAll, KeepAll, Exclude, Exclude]
    assert not [p for part in parts for p in part.parameters()]
    y = draw(1, 2, 4, 8)
    assert parts[0](y, y) is y


def test_bfloat16_heads_stay_bfloat16() -> None:
    y, v = draw(1, 3, 4, 8).bfloat16(), draw(1, 3, 2, 8).bfloat16()
    assert Exclude()(y, v).dtype == GatedExclude(4)(y, v).dtype == torch.bfloat16
