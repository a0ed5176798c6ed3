"""A row has one budget, or all rows have the same two."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.planning import BOTH, mistake_at, plan


@pytest.mark.parametrize(
    ("text", "sets", "steps", "seconds"),
    [
        ("budget: {seconds: 5}", (), None, 5.0),
        ("baseline: {seconds: 5}\nrows: {r: {steps: 7}}", (), 7, None),
        ("baseline: {steps: 5}\nrows: {r: {tokens: 20480}}", (), 10, None),
        ("rows: {a: {seconds: 5}, r: {parent: a, steps: 7}}", (), 7, None),
        ("rows: {a: {seconds: 5}, r: {parent: a, bits: 4}}", (), None, 5.0),
        ("budget: {seconds: 5}", ("steps=3",), 3, None),
        ("budget: {steps: 5}", ("tokens=2049",), 2, None),
        ("budget: {steps: 5}", ("time_budget=9",), None, 9.0),
    ],
)
def test_one_budget_clears_the_others(
    tmp_path: Path, text: str, sets: tuple[str, ...], steps: int | None, seconds: float | None
) -> None:
    values = plan(tmp_path, text, *sets).rows[-1].values
    assert (values["train.steps"], values["train.seconds"]) == (steps, seconds)
    assert values["train.tokens"] is None


@pytest.mark.parametrize(
    ("text", "frac", "steps"),
    [
        ("baseline: {warmdown_steps: 9}", 0.0, 9),
        ("baseline: {warmdown_steps: 9}\nrows: {r: {warmdown: 0.3}}", 0.3, None),
        ("baseline: {warmdown: 0.3}\nrows: {r: {warmdown_iters: 9}}", 0.0, 9),
    ],
)
def test_one_warmdown_clears_the_other(
    tmp_path: Path, text: str, frac: float, steps: int | None
) -> None:
    values = plan(tmp_path, text).rows[-1].values
    assert (values["train.warmdown_frac"], values["train.warmdown_steps"]) == (frac, steps)


def test_two_budgets_in_one_row_are_refused_where_the_second_stands(tmp_path: Path) -> None:
    problem = mistake_at(tmp_path, "rows:\n  r:\n    steps: 5\n    seconds: 6\n", "4:14")
    assert problem.what == ("train.seconds and train.steps both set the budget")


def test_every_row_may_run_under_two_budgets(tmp_path: Path) -> None:
    made = plan(tmp_path, BOTH + "rows: {r: {depth: 2}}\n").rows[1]
    assert (made.values["train.seconds"], made.values["train.steps"]) == (5.0, None)
    (other,) = made.also.values()
    assert list(made.also) == ["steps"]
    assert (other.values["train.seconds"], other.values["train.steps"]) == (None, 40)
    assert other.values["model.depth"] == 2


def test_a_profile_scales_both_budgets_and_set_replaces_both(tmp_path: Path) -> None:
    text = BOTH.replace("40", "4000").replace("5,", "500,")
    scaled = plan(tmp_path, text, profile="smoke").rows[0]
    assert (scaled.values["train.seconds"], scaled.also["steps"].values["train.steps"]) == (1.0, 40)
    assert plan(tmp_path, text, "steps=7").rows[0].also == {}


def test_a_row_cannot_have_a_budget_of_its_own_beside_both(tmp_path: Path) -> None:
    problem = mistake_at(tmp_path, BOTH + "rows: {r: {steps: 9}}\n", "2:19")
    assert "every row runs under both budgets" in problem.what
