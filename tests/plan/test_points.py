"""Points and stretches of training in steps, tokens or seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.planning import BOTH, FILE, mistake_at, mistakes, plan

POINTS = [
    ("budget: {steps: 4000}\nbaseline: {warmdown_frac: 1000 steps}", 0.25),
    ("budget: {seconds: 600}\nbaseline: {warmdown_frac: 150 seconds}", 0.25),
    ("budget: {seconds: 600}\nbaseline: {warmdown_frac: 60 s}", 0.1),
    ("budget: {steps: 100}\nbaseline: {batch_tokens: 1024, warmdown_frac: 25600 tokens}", 0.25),
    ("budget: {tokens: 102400}\nbaseline: {batch_tokens: 1024, warmdown_frac: 10 steps}", 0.1),
    ("baseline: {steps: 50}\nrows: {r: {steps: 200, warmdown: 50 steps}}", 0.25),
]


@pytest.mark.parametrize(("text", "share"), POINTS)
@pytest.mark.parametrize("profile", ["", "smoke"])
def test_a_stretch_of_training_may_be_steps_tokens_or_seconds(
    tmp_path: Path, text: str, share: float, profile: str
) -> None:
    made = plan(tmp_path, text + "\n", profile=profile).rows[-1]
    assert made.values["train.warmdown_frac"] == share


def test_a_point_is_told_as_it_was_written(tmp_path: Path) -> None:
    made = plan(tmp_path, "factors: {warmdown_frac: [20 steps]}\n").rows[1]
    assert (made.name, made.change) == ("warmdown_frac=20 steps", "warmdown_frac 20 steps")


def test_a_point_in_another_unit_than_the_budget_is_a_mistake(tmp_path: Path) -> None:
    text = "budget: {seconds: 60}\nbaseline: {warmdown_frac: 20 steps}\n"
    problem = mistake_at(tmp_path, text, "2:27")
    what = "the budget is in seconds, so that nothing is known of its steps, in `20 steps`"
    assert (problem.what, problem.hint[:22]) == (what, "write it in seconds, o")
    both = BOTH + "baseline: {warmdown_frac: 20 steps}\n"
    assert [p.where for p in mistakes(tmp_path, both)] == [f"{tmp_path / FILE}:2:27"]


def test_a_point_beyond_the_budget_is_a_mistake(tmp_path: Path) -> None:
    text = "budget: {steps: 10}\nbaseline: {warmdown_frac: 20 steps}\n"
    (problem,) = mistakes(tmp_path, text)
    assert "is at most 1 x budget, found 2 from `20 steps`" in problem.what
