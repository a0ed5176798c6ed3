"""Two lanes of the residual stream."""

from __future__ import annotations

import pytest
import torch

from golf.config.resolve import resolve
from golf.config.schema import KNOBS
from golf.model.lanes import OneLane, TwoLanes, build_lanes
from tests.model.tools import assert_plain, build, config, draw, draw_tokens, live, randomised


@pytest.mark.parametrize(
    "changes",
    [
        {"parallel_start": 0},
        {"parallel_start": 1, "x0_mix": "channel", "lanes_out": "attn"},
        {"parallel_start": 2, "lanes_out": "mlp"},
        {"parallel_start": 3, "depth": 4, "skips": "gated"},
        {"parallel_start": 2, "depth": 4, "skips": "plain", "x0_mix": "scalar"},
        {"parallel_start": 1, "depth": 5, "skips": "gated"},
        {"parallel_start": 3, "depth": 5, "skips": "gated", "loop_count": 2, "loop_start": 1,
         "loop_end": 2, "branch_scale": True, "ln_scale": "norm_input"},
    ],
    ids=str,
)  # fmt: skip
def test_lanes_exchange_what_their_branches_add(changes: dict[str, object]) -> None:
    assert_plain(parallel="two_lane", **changes)


def test_both_lanes_are_updated_from_what_they_were() -> None:
    lanes = TwoLanes(2, "mean")
    lanes.keep_L2.data = draw(2, 2)
    lanes.write_L22.data = draw(2, 2, 2, seed=1)
    x, y, a, m = draw(4, 1, 3, 8, seed=2)
    first, second = lanes(1, (x, y), a, m)
    r, p = lanes.keep_L2[1], lanes.write_L22[1]
    torch.testing.assert_close(first, r[0] * x + p[0, 0] * a + p[1, 0] * m)
    torch.testing.assert_close(second, r[1] * y + p[0, 1] * a + p[1, 1] * m)


def test_fresh_lanes_keep_a_tenth_more_and_take_all_of_both() -> None:
    lanes, (x, y, a, m) = TwoLanes(1, "mean"), draw(4, 1, 3, 8)
    first, second = lanes(0, (x, y), a, m)
    torch.testing.assert_close(first, 1.1 * x + a + m)
    torch.testing.assert_close(second, 1.1 * y + a + m)


@pytest.mark.parametrize(
    ("out", "shares"), [("mean", (0.5, 0.5)), ("attn", (1, 0)), ("mlp", (0, 1))]
)
def test_the_head_reads_the_mean_or_one_lane(out: str, shares: tuple[float, float]) -> None:
    x, y = draw(2, 1, 3, 8)
    merged = build_lanes(config(parallel="two_lane", lanes_out=out)).merge((x, y))
    torch.testing.assert_close(merged, shares[0] * x + shares[1] * y)


def test_one_stream_has_no_lanes_to_merge() -> None:
    x = draw(1, 3, 8)
    lanes = build_lanes(config(parallel="one_stream"))
    assert isinstance(lanes, OneLane)
    assert lanes.merge((x, x)) is x
    assert not list(lanes.parameters())


def test_lanes_part_in_the_second_half_at_the_earliest() -> None:
    lanes = {"depth": 5, "parallel": "two_lane", "skips": "gated"}
    model = randomised(build(**lanes, parallel_start=0))
    late = randomised(build(**lanes, parallel_start=2))
    assert torch.equal(model.logits(draw_tokens()), late.logits(draw_tokens()))
    values = {n: k.default for n, k in KNOBS.items()} | {"model.parallel": "two_lane"}
    assert resolve(values, "cpu", 1)["model.parallel_start"] == 2  # of four blocks


def test_rows_of_blocks_before_the_lanes_part_are_the_only_ones_that_do_not_learn() -> None:
    model = randomised(build(depth=4, parallel="two_lane", parallel_start=2))
    dead = {n for n, _ in model.named_parameters()} - live(model, draw_tokens())
    assert dead == set()
    for rows in (model.lanes.keep_L2.grad, model.lanes.write_L22.grad):
        assert rows.flatten(1).any(1).tolist() == [False, False, True, True]
