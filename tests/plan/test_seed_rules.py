"""Seeds are added by a rule until rows are told apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from golf.plan.graph import Plan
from golf.report.collect import collect
from golf.report.formats import as_json
from golf.report.markdown import render
from golf.report.table import analyze
from tests.plan.played import (
    mistakes,
    parents,
    planned,
    play,
    waits,
    write_matrix,
)

RULED = """\
seeds: {min: 2, max: 4, until: {p: 0.05, margin: 0.001}}
rows:
  clear: {depth: 2}
  close: {bits: 5}
  fixed: {bits: 6, seeds: [7]}
"""


def noisy(row: str, seed: int) -> float:
    wobble = {"close": (0.02, -0.02, 0.01, -0.01)}.get(row, (0.0, 0.0001, 0.0, 0.0001))
    return {"clear": 0.5, "close": 0.99}.get(row, 1.0) + wobble[(seed - 1337) % 4]


def seeds(plan: Plan) -> dict[str, tuple[int, ...]]:
    return {row.name: row.seeds for row in plan.rows.rows}


def test_seeds_are_added_to_rows_that_are_not_told_apart(tmp_path: Path) -> None:
    first, *_, last = play(write_matrix(tmp_path, RULED), noisy)
    assert seeds(first) == {
        "baseline": (1337, 1338), "clear": (1337, 1338), "close": (1337, 1338), "fixed": (7,),
    }  # fmt: skip
    assert waits(first) == {"seed 3, should 2 not tell": ("clear", "close")}
    assert [len(s) for s in seeds(last).values()] == [4, 2, 4, 1]
    assert not last.waiting


def test_a_wave_is_decided_once_its_rows_have_all_their_seeds(tmp_path: Path) -> None:
    text = (
        RULED
        + "  late: {rope_dims: 16}\n"
        + ("waves:\n  - rows: [clear, close]\n  - {rows: [late], baseline: {winner_of: 1}}\n")
    )
    rounds = play(write_matrix(tmp_path, text), noisy)
    assert [len(plan.outcomes) for plan in rounds] == [0, 0, 0, 1, 1]
    assert parents(rounds[-1])["late"] == "clear"


STRICT = """\
seeds: {min: 2, max: 4, until: {p: 0.01, margin: 0.002}}
rows:
  clear: {depth: 2}
  noisy: {bits: 5}
  steady: {rope_dims: 16}
  small: {rope_dims: 8}
  lost: {depth: 1}
  alone: {bits: 6, seeds: [1337, 1338]}
"""
LEVELS = {"clear": 0.5, "steady": 0.97, "lost": 2.0, "alone": 0.9, "small": 0.9995}


def wobbling(row: str, seed: int) -> float:
    reach = 0.02 if row == "noisy" else 0.0001
    return LEVELS.get(row, 1.0) + reach * (seed * 7 % 4 - 1.5) * (-1 if row == "noisy" else 0.5)


def test_the_report_takes_its_verdicts_from_the_rule_and_prints_its_looks(tmp_path: Path) -> None:
    first, *_, last = play(write_matrix(tmp_path, STRICT), wobbling)
    found = analyze(collect(last))
    told = {r.row: j for r in found.table if (j := r.judged["post_bpb"])}
    assert {name: str(j.verdict) for name, j in told.items()} == {
        "clear": "better", "noisy": "within noise", "steady": "within noise",
        "small": "within noise", "lost": "worse", "alone": "better",
    }  # fmt: skip
    p = told["steady"].delta.p_two_sided()
    assert p is not None
    assert p < 0.01 / 6  # so steady that a test of it alone calls it better
    assert told["steady"].p_holm is None
    text = render(found)
    assert "at 0.01 shared out over 6 rows and 3 looks" in text
    assert "| clear  | baseline  | Post-quant |  1 of 3 |   2 | +0.5000 |" in text
    assert "| steady | baseline  | Post-quant |  3 of 3 |   4 | +0.0300 |" in text
    assert "by the rule for seeds: better" in text
    assert json.loads(as_json(found))["seed_rule"]["rows"]["lost"]["verdict"] == "worse"
    opened = analyze(collect(first)).study.ruled
    assert opened is not None
    assert {str(r.verdict) for r in opened.rulings.values()} == {"open"}


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("seeds: 0\n", "1:8", "the number of seeds is a whole number from 1"),
        ("seeds: {min: 2, max: 5}\n", "1:8", "a rule for seeds says until too"),
        ("seeds: {until: {p: 0.05}}\n", "1:8", "a rule for seeds says max too"),
        ("seeds: {max: 5, until: {p: 0.2}}\n", "1:28", "p is a number from 1e-06 to 0.05"),
        ("seeds: {max: 5, until: {p: 0}}\n", "1:28", "p is a number from 1e-06 to 0.05"),
        ("seeds: {min: 1, max: 5, until: {p: 0.05}}\n", "1:14", "min is a whole number from 2"),
        ("seeds: {min: 4, max: 3, until: {p: 0.05}}\n", "1:22", "max 3 is less than min 4"),
    ],
)
def test_a_rule_for_seeds_that_makes_no_sense_is_a_mistake(
    tmp_path: Path, text: str, place: str, what: str
) -> None:
    (problem,) = mistakes(tmp_path, text)
    assert problem.where == f"{tmp_path / 'm.yaml'}:{place}"
    assert what in problem.what


def test_a_number_of_seeds_counts_from_the_first(tmp_path: Path) -> None:
    assert planned(write_matrix(tmp_path, "seeds: 3\n")).rows.seeds == (1337, 1338, 1339)
