"""Which seeds a row runs with, and what they seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.knob import Value
from golf.plan.row import Rows
from tests.plan.planning import mistakes, plan, row


def test_a_row_may_have_seeds_of_its_own(tmp_path: Path) -> None:
    text = "seeds: [42]\nrows: {r: {bits: 4, seeds: [42, 314]}}\n"
    rows = plan(tmp_path, text)
    assert [r.seeds for r in rows.rows] == [(42,), (42, 314)]
    assert rows.seeds == (42, 314)


def test_other_seeds_alone_do_not_make_another_row(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "seeds: [42]\nrows: {r: {seeds: [42, 314]}}\n")
    assert "is the same as row 'baseline'" in problem.what


def test_more_cells_than_anyone_trains_are_refused(tmp_path: Path) -> None:
    shares = ", ".join(f"0.{i:03}" for i in range(300))
    (problem,) = mistakes(tmp_path, f"seeds: 1000\nfactors: {{muon_wd: [{shares}]}}\n")
    assert problem.what == "golf plans at most 50,000 cells (rows x seeds), here are more"


def seeds(rows: Rows, name: str = "baseline") -> list[tuple[Value, Value]]:
    made = [row(rows, name).seeded(s) for s in rows.seeds]
    return [(v["train.seed"], v["train.data_seed"]) for v in made]


@pytest.mark.parametrize(
    ("baseline", "data_seeds"),
    [("{}", [1, 2]), ("{data_seed: 7}", [7, 7]), ("{data_seed: null}", [1, 2])],
)
def test_the_data_seed_is_the_seed_unless_it_is_set(
    tmp_path: Path, baseline: str, data_seeds: list[int]
) -> None:
    rows = plan(tmp_path, f"seeds: [1, 2]\nbaseline: {baseline}\n")
    assert seeds(rows) == list(zip([1, 2], data_seeds, strict=True))


def test_the_values_of_a_row_are_those_of_the_first_seed(tmp_path: Path) -> None:
    values = plan(tmp_path, "seeds: [3, 4]\n").rows[0].values
    assert (values["train.seed"], values["train.data_seed"]) == (3, 3)


@pytest.mark.parametrize("data_seed", [1, 2, 7, 1337])
def test_a_data_seed_for_all_seeds_is_a_row_of_its_own(tmp_path: Path, data_seed: int) -> None:
    rows = plan(tmp_path, f"seeds: [1, 2]\nrows: {{r: {{data_seed: {data_seed}}}}}\n")
    assert seeds(rows, "r") == [(1, data_seed), (2, data_seed)]
