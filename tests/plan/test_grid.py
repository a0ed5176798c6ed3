"""Points of a grid are kept, dropped with a reason, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.plan.row import Rows
from tests.plan.planning import mistake_at, mistakes, plan


def dropped(rows: Rows) -> dict[str, str]:
    return {d.name: d.reason for d in rows.dropped}


def test_a_grid_keeps_what_meets_its_constraints_and_says_why_the_rest_is_dropped(
    tmp_path: Path,
) -> None:
    rows = plan(
        tmp_path,
        "grid: {model_dim: [96, 128], head_dim: [32, 64]}\n"
        "where:\n  - model_dim % head_dim == 0: heads fill the width\n  - n_head > 1\n"
        "rows: {odd: {depth: 2}}\n",
    )
    assert [r.name for r in rows.rows] == [
        "baseline", "model_dim=96 head_dim=32", "model_dim=128 head_dim=64", "odd",
    ]  # fmt: skip
    assert dropped(rows) == {
        "model_dim=96 head_dim=64": "where: model_dim % head_dim == 0 (heads fill the width)",
        "model_dim=128 head_dim=32": "it is the same as baseline",
    }


def test_constraints_leave_rows_with_a_name_alone(tmp_path: Path) -> None:
    rows = plan(tmp_path, "factors: {depth: [2, 6]}\nrows: {r: {depth: 8}}\nwhere: depth < 5\n")
    assert [r.name for r in rows.rows] == ["baseline", "depth=2", "r"]
    assert dropped(rows) == {"depth=6": "where: depth < 5"}


def test_excluded_combinations_are_dropped(tmp_path: Path) -> None:
    text = (
        "grid: {depth: [2, 3], bits: [4, 5]}\nexclude:\n  - {depth: 2, bits: 4, why: too small}\n"
    )
    rows = plan(tmp_path, text)
    assert dropped(rows) == {"depth=2 bits=4": "exclude: depth 2, bits 4 (too small)"}
    assert len(rows.rows) == 4


def test_an_exclusion_that_meets_no_row_is_a_mistake(tmp_path: Path) -> None:
    text = "grid: {depth: [2, 3]}\nexclude: [{depth: 7}]\n"
    problem = mistake_at(tmp_path, text, "2:11")
    assert "excludes nothing" in problem.what


def test_a_constraint_without_rows_that_it_may_rule_is_a_mistake(tmp_path: Path) -> None:
    problem = mistake_at(tmp_path, "rows: {a: {depth: 6}}\nwhere: [depth < 5]\n", "2:9")
    assert "rules nothing" in problem.what


def test_a_point_whose_factor_is_idle_is_dropped_unless_it_is_idle_in_all(tmp_path: Path) -> None:
    text = "grid: {attn_gate: [none, out_gate], gate_width: [8, 24]}\n"
    rows = plan(tmp_path, text)
    assert [r.name for r in rows.rows[1:]] == [
        "attn_gate=out_gate gate_width=8", "attn_gate=out_gate gate_width=24",
    ]  # fmt: skip
    assert set(dropped(rows).values()) == {
        "model.gate_width changes nothing while model.attn_gate is none"
    }
    found = mistakes(tmp_path, "grid: {depth: [2, 3], gate_width: [8, 24]}\n")
    assert [p.where.split(":")[-1] for p in found] == ["36", "39"]


def test_a_row_cannot_build_on_a_point_that_is_dropped(tmp_path: Path) -> None:
    text = (
        "grid: {depth: [2, 6]}\nwhere: [depth < 5]\nrows:\n  r: {parent: depth=6, bits: 4}\n"
        "  s: {same_as: depth=6, bits: 4}\n"
    )
    first = mistakes(tmp_path, text)[0]
    assert first.what == "row 'r' builds on 'depth=6', which is dropped"
    assert first.hint == "where: depth < 5"


@pytest.mark.parametrize(
    ("constraint", "what"),
    [("depth % 2", "`depth % 2` is 0, neither"), ("depth % (depth - 2) == 1", "division by zero")],
)
def test_a_constraint_that_is_no_question_is_a_mistake(
    tmp_path: Path, constraint: str, what: str
) -> None:
    problem = mistake_at(tmp_path, f"grid: {{depth: [2]}}\nwhere: [{constraint}]\n", "2:9")
    assert what in problem.what


def test_a_grid_point_that_breaks_a_rule_is_a_mistake(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "grid: {head_dim: [32, 48], depth: [2]}\n")
    assert "not a multiple of head_dim 48" in problem.what


@pytest.mark.parametrize(
    "text",
    [
        "grid: {depth: [2, 2]}\n",
        "zip: {depth: [2, 2], bits: [4, 4]}\n",
        "grid: [{depth: [2]}, {depth: [2, 3]}]\n",
        "factors: {depth: [2]}\ngrid: {depth: [2]}\n",
    ],
)
def test_a_point_that_is_given_twice_is_dropped_once(tmp_path: Path, text: str) -> None:
    rows = plan(tmp_path, text + "rows: {r: {rope_dims: 8}}\n")
    names = [r.name for r in rows.rows]
    assert dropped(rows) == {names[1]: "it is given twice"}
    assert len(set(names)) == len(names)


def test_a_value_that_a_factor_lists_twice_is_a_mistake(tmp_path: Path) -> None:
    problem = mistake_at(tmp_path, "factors: {depth: [2, 3, 2]}\n", "1:25")
    assert (problem.what, problem.hint) == ("depth lists 2 twice", "drop one")


def test_a_point_gives_way_to_a_row_with_a_name(tmp_path: Path) -> None:
    grid = "grid: {depth: [2, 3]}\n"
    rows = plan(tmp_path, grid + "rows: {deep: {depth: 2}}\n")
    assert [r.name for r in rows.rows] == ["baseline", "depth=3", "deep"]
    assert dropped(rows) == {"depth=2": "it is the same as deep"}
    assert not plan(tmp_path, grid + "rows: {r: {depth: 2, same_as: depth=2}}\n").dropped
    (copied,) = mistakes(tmp_path, grid + "rows: {a: {depth: 2}, b: {depth: 2}}\n")
    assert copied.what == "row 'b' is the same as row 'a': it changes nothing"
    (idle,) = mistakes(tmp_path, grid + "rows: {a: {parent: depth=2}}\n")
    assert idle.what == "row 'a' is the same as row 'depth=2': it changes nothing"
    text = grid + "rows: {a: {depth: 2}, b: {parent: depth=2, bits: 4}}\n"
    (built,) = mistakes(tmp_path, text)
    assert built.what == "row 'b' builds on 'depth=2', which is dropped"
    assert built.hint == "it is the same as a"
