"""A formula that names its own knob starts from the value that it replaces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golf.config.knob import Value
from golf.config.profiles import PROFILES
from tests.plan.planning import mistakes, plan, row
from tests.plan.played import fixed, play, row_names, write_matrix

SHARED_FOLDER = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
INHERITED = [
    ("baseline: {depth: 5}\nrows: {r: {depth: = depth + 1}}", "model.depth", 6),
    ("rows: {a: {depth: 7}, r: {parent: a, depth: = depth + 1}}", "model.depth", 8),
    ("rows: {a: {depth: = depth + 1}, r: {parent: a, bits: 4}}", "model.depth", 5),
    ("preset: quickstart\nbaseline: {depth: = depth * 3}", "model.depth", 6),
    ("factors: {depth: [6, = depth * 2]}", "model.depth", 8),
    ("grid: {depth: [= depth + 1], bits: [4, 5]}", "model.depth", 5),
    # open values mean what they are filled in with
    ("rows: {r: {n_kv_head: = n_kv_head / 2}}", "model.n_kv_head", 2),
    ("baseline: {aspect_ratio: 64}\nrows: {r: {depth: 5, model_dim: = model_dim}}",
     "model.model_dim", 256),
    ("baseline: {aspect_ratio: 64}\nrows: {r: {aspect_ratio: = aspect_ratio * 2}}",
     "model.model_dim", 512),
    ("budget: {tokens: 20480}\nrows: {r: {steps: = steps * 3}}", "train.steps", 30),
    ("budget: {tokens: 20480}\nrows: {r: {tokens: = tokens * 3}}", "train.steps", 30),
    # all other names are the row's own
    ("rows: {r: {depth: 8, model_dim: = model_dim * depth / 4}}", "model.model_dim", 256),
    ("rows: {r: {model_dim: = model_dim * 2, n_kv_head: = n_kv_head / 2}}", "model.n_kv_head", 2),
    # what the parent follows, it follows there
    ("baseline: {n_kv_head: = n_head / 2}\nrows: {r: {model_dim: 256, n_kv_head: = n_kv_head * 2}}",
     "model.n_kv_head", 4),
]  # fmt: skip


@pytest.mark.parametrize(("text", "name", "expected"), INHERITED)
def test_a_knob_in_its_own_formula_is_what_the_parent_has(
    tmp_path: Path, text: str, name: str, expected: Value
) -> None:
    assert plan(tmp_path, text + "\n").rows[-1].values[name] == expected


@SHARED_FOLDER
@given(st.lists(st.tuples(st.sampled_from("+*"), st.integers(1, 3)), min_size=1, max_size=6))
def test_a_chain_of_rows_adds_up(tmp_path: Path, steps: list[tuple[str, int]]) -> None:
    lines, depth = ["rows:"], 4
    for i, (sign, number) in enumerate(steps):
        parent = f"r{i - 1}" if i else "baseline"
        lines.append(f"  r{i}: {{parent: {parent}, depth: = depth {sign} {number}, bits: {i + 2}}}")
        depth = depth + number if sign == "+" else depth * number
    rows = plan(tmp_path, "\n".join(lines) + "\n")
    assert row(rows, f"r{len(steps) - 1}").values["model.depth"] == depth


FORMULAS: dict[str, Callable[[int, int], int]] = {
    "{0} + {1}": lambda base, number: base + number,
    "2 * {0} - {1}": lambda base, number: 2 * base - number,
    "{0} * 5 // 4": lambda base, number: base * 5 // 4,
}
BASES = {"steps": 4000, "model_dim": 512, "vocab_size": 4096, "depth": 8}


@SHARED_FOLDER
@given(
    st.sampled_from(["", *PROFILES]),
    st.sampled_from([("steps", 70), ("model_dim", 256), ("vocab_size", 1024), ("depth", 3)]),
    st.sampled_from(list(FORMULAS)),
)
def test_a_row_is_the_one_with_the_number_written_out_under_every_profile(
    tmp_path: Path, profile: str, knob: tuple[str, int], formula: str
) -> None:
    name, number = knob
    base = ", ".join(f"{n}: {v}" for n, v in BASES.items())
    number_written = FORMULAS[formula](BASES[name], number)
    values = []
    for written in (f"= {formula.format(name, number)}", number_written):
        row = f"rows: {{r: {{{name}: {written}, bits: 4}}}}\n"
        text = f"baseline: {{head_dim: 128, {base}}}\n{row}"
        values.append(plan(tmp_path, text, profile=profile).rows[1].values)
    assert values[0] == values[1]


def test_the_command_line_changes_what_each_row_has(tmp_path: Path) -> None:
    text = "rows: {r: {depth: = depth + 2}}\n"
    assert [r.values["model.depth"] for r in plan(tmp_path, text).rows] == [4, 6]
    moved = plan(tmp_path, text, "depth= = depth * 2")
    assert [r.values["model.depth"] for r in moved.rows] == [8, 12]
    halved = plan(tmp_path, "rows: {r: {n_kv_head: = n_kv_head / 2}}\n", "head_dim=16")
    assert [r.values["model.n_kv_head"] for r in halved.rows] == [8, 4]


def test_an_included_file_lies_under_the_formula(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("baseline: {depth: 9}\n")
    text = "include: base.yaml\nbaseline: {depth: = depth + 1}\n"
    assert plan(tmp_path, text).rows[0].values["model.depth"] == 10


def test_the_formula_is_told_as_it_was_written(tmp_path: Path) -> None:
    made = plan(tmp_path, "factors: {depth: [= depth + 1]}\n").rows[1]
    assert (made.name, made.change) == ("depth=depth + 1", "depth = depth + 1")


def test_a_circle_by_way_of_another_knob_is_still_refused(tmp_path: Path) -> None:
    text = "rows: {r: {depth: = depth + n_kv_head, n_kv_head: = depth}}\n"
    found = [p.what for p in mistakes(tmp_path, text)]
    assert found[0] == "model.depth is relative to itself, by way of model.n_kv_head"
    assert len(found) == 2


WAVES = """\
seeds: [1, 2]
rows:
  wide: {aspect_ratio: 48}
  deep: {parent: wide, depth: = depth + 1, model_dim: = model_dim}
  deeper: {parent: deep, depth: = depth + 1}
  turn: {rope_dims: 16}
  more: {depth: = depth + 2}
waves:
  - {rows: [wide, deep, deeper], margin: 0.001}
  - {rows: [turn], margin: 0.001}
  - {name: both, combine: winners}
  - {rows: [more], baseline: {winner_of: 1}}
"""


def test_winners_keep_their_formulas_layer_by_layer(tmp_path: Path) -> None:
    path = write_matrix(tmp_path, WAVES)
    last = play(path, fixed(wide=0.95, deep=0.93, deeper=0.9, turn=0.92))[-1]
    found = {r.name: r.values for r in last.rows.rows}
    shapes = {n: (v["model.depth"], v["model.model_dim"]) for n, v in found.items()}
    assert shapes["deeper"] == shapes["both"] == (6, 192)
    assert shapes["more"] == (8, 192)
    other = write_matrix(
        tmp_path,
        "seeds: [1, 2]\nrows: {taller: {depth: = depth + 1}}\n"
        "waves: [{rows: [taller], baseline: {winner_of: m.yaml, margin: 0.001}}]\n",
        "other.yaml",
    )
    assert row_names(play(other, fixed())[-1])[-1] == "taller"
    assert play(other, fixed())[-1].rows.rows[-1].values["model.depth"] == 7
