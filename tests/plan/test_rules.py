"""A setting that breaks a rule is reported at the nearest setting, all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config import rules
from golf.config.rules import RULES, Rule
from golf.errors import GolfError
from tests.plan.broken import BROKEN
from tests.plan.planning import FILE, mistake_at, mistakes, plan


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_rule_is_reported_at_the_nearest_setting(tmp_path: Path, kind: str) -> None:
    text, place, what = BROKEN[kind]
    problem = mistake_at(tmp_path, text, place)
    assert what in problem.what
    assert "in row" in problem.hint


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r[1].__name__.strip("_"))
def test_every_rule_is_broken_by_a_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: tuple[tuple[str, ...], Rule]
) -> None:
    monkeypatch.setattr(rules, "RULES", (rule,))
    caught = 0
    for text, _, what in BROKEN.values():
        try:
            plan(tmp_path, text)
        except GolfError as error:
            caught += what in error.problems[0].what
    assert caught, f"add a case to BROKEN for {rule[1].__name__}"


def test_a_row_that_breaks_a_rule_by_inheritance_points_at_the_baseline(tmp_path: Path) -> None:
    text = "baseline:\n  model_dim: 96\nrows:\n  r: {head_dim: 64}\n  s: {bits: 4}\n"
    (problem,) = mistakes(tmp_path, text)
    assert (problem.where, problem.hint) == (f"{tmp_path / FILE}:4:17", "in row 'r'")


SHAPES = {
    "head_dim: 7": ("head_dim 7 is odd; 6 or 8 would do", 12),
    "model_dim: 50": ("model_dim 50 is not a multiple of head_dim 16; 48 and 64 are", 12),
    "aspect_ratio: 33": ("model_dim 66 is not a multiple of head_dim 16; 64 and 80 are", 12),
    "n_head: 5": ("model_dim 64 is not a multiple of n_head 5; 4 or 8 would do", 12),
    "n_head: null, head_dim: 24": ("not a multiple of head_dim 24; 48 and 72 are", 26),
    "n_kv_head: 3": ("4 query heads cannot share n_kv_head 3 evenly; 2 or 4 would do", 12),
}


@pytest.mark.parametrize("settings", SHAPES)
def test_a_shape_that_cannot_be_is_one_message_about_what_was_set(
    tmp_path: Path, settings: str
) -> None:
    what, column = SHAPES[settings]
    text = f"preset: quickstart\nbaseline: {{{settings}}}\n"
    (problem,) = mistakes(tmp_path, text)
    assert what in problem.what
    name = settings.rsplit(", ", 1)[-1].split(":")[0]
    assert problem.where == f"{tmp_path / FILE}:2:{column + len(name) + 2}"


@pytest.mark.parametrize("ranks", [0, 3])
def test_processes_that_cannot_share_a_batch_are_told_once(tmp_path: Path, ranks: int) -> None:
    launch = "" if ranks else "launch: {nproc_per_node: 3}\n"
    text = launch + "rows: {r: {bits: 5}, s: {seq_len: 128}}\n"
    (problem,) = mistakes(tmp_path, text, ranks=ranks)
    assert problem.where == str(tmp_path / FILE) + ("" if ranks else ":1:26")
    what = "batch_tokens 2048 is not a whole number of sequences on each of 3 processes; take"
    assert problem.what.startswith(what)


def test_all_broken_rows_are_reported_at_once(tmp_path: Path) -> None:
    text = "rows:\n  a: {n_kv_head: 3}\n  b: {rope_dims: 5}\n  c: {gate_width: 5}\n"
    lines = [p.where.split(":")[1] for p in mistakes(tmp_path, text)]
    assert lines == ["2", "3", "4"]


def test_a_letter_beyond_the_depth_is_refused_too(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "baseline: {depth: 2, window_pattern: SX}\n")
    assert "window_pattern" in problem.what


def test_a_bad_pattern_is_quoted_as_it_was_written(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "baseline: {window_pattern: SX}\n")
    assert problem.what.endswith("found 'SX'")


def test_what_cannot_be_read_and_what_cannot_be_meant_are_told_at_once(tmp_path: Path) -> None:
    text = (
        "seeds: []\n"
        "baseline: {value_gate_width: 4}\n"
        "rows:\n"
        "  a: {depht: 2}\n"
        "  b: {n_kv_head: 3}\n"
        "  c: {gate_width: 5}\n"
        "  d: {parent: a, n_kv_head: 3}\n"
        "  e: {depth: 010, depth: 4}\n"
        "  f: {}\n"
        "factors: {head_dim: [48, wide]}\n"
    )
    places = [p.where.removeprefix(f"{tmp_path / FILE}:") for p in mistakes(tmp_path, text)]
    assert places == ["1:8", "4:7", "5:18", "6:19", "8:14", "8:19", "10:22", "10:26"]
