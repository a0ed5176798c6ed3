"""Answers that are given again are those that asking anew would give."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from golf.config.knob import Value
from golf.config.resolve import filled
from golf.config.rules import broken_rules
from golf.config.schema import KNOBS
from golf.plan.recall import Recalled
from tests.conftest import TINY

START: dict[str, Value] = {**{n: k.default for n, k in KNOBS.items()}, **TINY}
MOVED: dict[str, list[Value]] = {
    "model.depth": [1, 2, 6],
    "model.model_dim": [64, 96, 128],
    "model.head_dim": [32, 48],
    "model.n_head": [None, 2, 4],
    "model.window_pattern": ["L", "SL", "X"],
    "model.loop_count": [0, 1],
    "quant.bits": [4, 6],
    "quant.clip_sigmas": [None, 3.0],
    "train.tokens": [None, 4096],
    "train.micro_tokens": [None, 100],
    "optim.matrix_lr": [0.01, 0.02],
    "ttt.method": ["none", "sgd", "lora"],
    "ttt.chunk_tokens": [512, 500],
}
ROWS = st.lists(
    st.fixed_dictionaries({}, optional={n: st.sampled_from(v) for n, v in MOVED.items()})
)


@given(ROWS)
def test_rows_are_filled_in_and_judged_as_if_each_were_the_first(
    rows: list[dict[str, Value]],
) -> None:
    fill = Recalled(lambda values: filled(values, "cpu", 1))
    judge = Recalled(lambda values: list(broken_rules(values, 1)))
    for row in rows:
        values = {**START, **row}
        whole = {**values, **filled(values, "cpu", 1)}
        assert {**values, **fill(values)} == whole
        assert judge(whole) == list(broken_rules(whole, 1))


def test_a_function_is_asked_again_only_where_what_it_read_differs() -> None:
    asked = []

    def told(values: Mapping[str, Value]) -> Value:
        asked.append(values.get("model.depth"))
        return asked[-1]

    recalled = Recalled(told)
    for row in ({}, {"optim.matrix_lr": 0.5}, {"model.depth": 7}, {"quant.bits": 4}):
        assert recalled({**START, **row}) == {**START, **row}["model.depth"]
    assert asked == [START["model.depth"], 7]
