"""Skips from the first half to the second, and the middle taken out."""

from __future__ import annotations

import pytest
import torch

from golf.model.skips import Backout, GatedSkips, NoSkips, PlainSkips, build_skips
from tests.model.tools import assert_plain, build, config, draw, draw_tokens, live, randomised

LOOP = {"depth": 5, "loop_count": 2, "loop_start": 1, "loop_end": 2}


@pytest.mark.parametrize("kind", ["plain", "gated"])
@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 1, "loop_count": 1, "loop_end": 0},
        {"depth": 2},
        {"depth": 3, "x0_mix": "channel"},
        {"depth": 6},
        LOOP,
        {**LOOP, "parallel": "one_stream", "parallel_start": 2},
    ],
    ids=str,
)
def test_a_decoder_takes_what_the_encoder_opposite_left(
    kind: str, changes: dict[str, object]
) -> None:
    assert_plain(skips=kind, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"backout": 0.2},
        {"backout": 0.2, "depth": 4},
        {**LOOP, "backout": 0.5, "parallel": "two_lane", "parallel_start": 3},
    ],
    ids=str,
)
def test_the_middle_of_the_stream_is_taken_out_before_the_last_norm(
    changes: dict[str, object],
) -> None:
    assert_plain(**changes)


def test_a_fresh_plain_skip_adds_and_a_gated_one_takes_half_of_both() -> None:
    x, back = draw(2, 1, 3, 32)
    slot = build(depth=2, skips="plain").route[1]
    lanes = ((x, x), [(back, back)], slot)
    assert torch.equal(PlainSkips(1, 32)(*lanes)[0], x + back)
    torch.testing.assert_close(GatedSkips(1, 32)(*lanes)[0], (x + back) / 2)


def test_a_skip_reaches_the_first_lane_only() -> None:
    x, y, back = draw(3, 1, 3, 32)
    slot = build(depth=2, skips="plain").route[1]
    joined = GatedSkips(1, 32)((x, y), [(back, back)], slot)
    assert joined[1] is y
    assert not torch.equal(joined[0], x)


def test_a_slot_without_a_skip_passes_both_lanes_on() -> None:
    x, y = draw(2, 1, 3, 32)
    slot = build(depth=2, skips="plain").route[0]
    assert PlainSkips(1, 32)((x, y), [], slot) == (x, y)
    assert NoSkips()((x, y), [], slot) == (x, y)


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ({"depth": 9}, 4),
        ({"depth": 11}, 5),
        ({"depth": 11, "loop_count": 2, "loop_start": 3, "loop_end": 5}, 8),
        ({"depth": 12, "loop_count": 2, "loop_start": 3, "loop_end": 5}, 9),
    ],
)
def test_there_are_rows_for_every_skip_of_the_looped_route(
    changes: dict[str, object], rows: int
) -> None:
    assert build_skips(config(skips="gated", **changes)).weights_SC.shape == (rows, 32)


def test_before_a_loop_begins_the_first_rows_serve_the_plain_list() -> None:
    changes = {"depth": 6, "loop_start": 2, "loop_end": 3, "skips": "gated"}
    looped = randomised(build(**changes, loop_count=2))
    plain = build(**changes)
    weights = looped.state_dict()
    for name in ("skips.weights_SC", "skips.gates_SC"):
        assert weights[name].size(0) == 5
        weights[name] = weights[name][:3]
    plain.load_state_dict(weights)
    looped.route = plain.route
    tokens = draw_tokens(batch=2)
    assert torch.equal(looped.logits(tokens), plain.logits(tokens))


def test_every_row_learns() -> None:
    model = randomised(build(skips="gated", **LOOP))
    live(model, draw_tokens())
    assert model.skips.weights_SC.grad.any(1).all()
    assert model.skips.gates_SC.grad.any(1).all()


def test_a_weight_of_zero_takes_nothing_out() -> None:
    plain = randomised(build())
    other = build(backout=0.2)
    other.load_state_dict(plain.state_dict(), strict=False)
    assert other.backout.weight_1.tolist() == pytest.approx([0.2])
    tokens = draw_tokens(batch=2)
    assert not torch.equal(other.logits(tokens), plain.logits(tokens))
    other.backout.weight_1.data.zero_()
    assert torch.equal(other.logits(tokens), plain.logits(tokens))


def test_the_middle_is_what_the_middle_block_left() -> None:
    part, x = Backout(0.5), draw(6, 1, 3, 32)
    for blocks, middle in ((1, 0), (2, 1), (3, 1), (4, 2), (5, 2)):
        outputs = [(x[i], x[i]) for i in range(blocks)]
        torch.testing.assert_close(part(x[5], outputs), x[5] - 0.5 * x[middle])
