"""The order in which blocks run."""

from __future__ import annotations

import pytest

from golf.model.route import build_route
from tests.model.plain_parts import order
from tests.model.tools import assert_plain, config

LOOP = {"loop_start": 3, "loop_end": 5, "loop_count": 2}
PUBLISHED = [
    (11, LOOP, [0, 1, 2, 3, 4, 5, 3, 4], [5, 3, 4, 5, 6, 7, 8, 9, 10]),
    (12, LOOP, [0, 1, 2, 3, 4, 5, 3, 4, 5], [3, 4, 5, 6, 7, 8, 9, 10, 11]),
    (11, {**LOOP, "loop_start": 4}, [0, 1, 2, 3, 4, 5, 4], [5, 4, 5, 6, 7, 8, 9, 10]),
    (11, {}, [0, 1, 2, 3, 4], [5, 6, 7, 8, 9, 10]),
    (4, {"loop_start": 0, "loop_end": 3, "loop_count": 2}, [0, 1, 2, 3, 0, 1], [2, 3, 0, 1, 2, 3]),
]


@pytest.mark.parametrize(("depth", "loop", "encoders", "decoders"), PUBLISHED)
def test_encoders_and_decoders_are_the_published_ones(
    depth: int, loop: dict[str, int], encoders: list[int], decoders: list[int]
) -> None:
    made = config(depth=depth, **loop)
    route = build_route(made, made.loop_count)
    assert [s.layer for s in route] == encoders + decoders
    assert [s.index for s in route] == list(range(len(route)))
    assert [s.skip for s in route[: len(encoders)]] == [None] * len(encoders)
    skips = [(j, len(encoders) - 1 - j) for j in range(len(encoders))]
    extra = [None] * (len(decoders) - len(encoders))
    assert [s.skip for s in route[len(encoders) :]] == skips + extra


def test_a_slot_knows_how_often_its_block_has_run_before() -> None:
    route = build_route(config(depth=6, **LOOP), 2)
    assert [s.passed for s in route] == [0] * 6 + [1] * 3 + [2] * 3


def test_before_a_loop_begins_every_block_runs_once() -> None:
    looped = config(depth=11, **LOOP)
    assert build_route(looped, 0) == build_route(config(depth=11), 0)
    assert [s.layer for s in build_route(looped, 1)] == order(looped, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"loop_start": 0, "loop_end": 1, "loop_count": 1},
        {"loop_start": 1, "loop_end": 1, "loop_count": 3, "ln_scale": "norm_input"},
        {"loop_start": 0, "loop_end": 2, "loop_count": 2, "x0_mix": "scalar"},
        {"loop_start": 1, "loop_end": 2, "loop_count": 1, "value_residual": True, "xsa": "last:1"},
        {"loop_start": 0, "loop_end": 1, "loop_count": 2, "value_embed": "0"},
    ],
    ids=str,
)
def test_a_looped_model_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)
