"""Values that follow from other values of their row."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.knob import Value
from tests.plan.planning import mistake_at, mistakes, plan, row

RELATIVE = [
    ("rows: {r: {n_kv_head: = n_head / 2}}", "model.n_kv_head", 2),
    ("rows: {r: {n_kv_head: = n_head / 2, model_dim: 256}}", "model.n_kv_head", 4),
    ("baseline: {n_kv_head: = n_head / 2}\nrows: {r: {model_dim: 256}}", "model.n_kv_head", 4),
    ("baseline: {n_kv_head: = n_head / 2}\nrows: {r: {n_kv_head: 1}}", "model.n_kv_head", 1),
    ("rows: {r: {depth: 6, model_dim: = depth * 64}}", "model.model_dim", 384),
    ("baseline: {model_dim: = depth * 32}\nrows: {r: {depth: 6}}", "model.model_dim", 192),
    (
        "rows: {r: {n_kv_head: = n_head / 3, model_dim: = head_dim * depth, depth: 6}}",
        "model.n_kv_head",
        2,
    ),
    ("rows: {r: {gate_width: = n_kv_head * 2, attn_gate: out_gate}}", "model.gate_width", 8),
    ("rows: {r: {warmdown_frac: = 1 / 4}}", "train.warmdown_frac", 0.25),
    ("factors: {depth: [= n_head + 2]}", "model.depth", 6),
]


@pytest.mark.parametrize(("text", "name", "expected"), RELATIVE)
def test_a_relative_value_follows_the_rest_of_its_row(
    tmp_path: Path, text: str, name: str, expected: Value
) -> None:
    value = plan(tmp_path, text + "\n").rows[-1].values[name]
    assert (value, type(value)) == (expected, type(expected))


def test_a_relative_value_is_told_as_it_was_written(tmp_path: Path) -> None:
    rows = plan(tmp_path, "factors: {n_kv_head: [= n_head / 2]}\n")
    assert (rows.rows[1].name, rows.rows[1].change) == ("n_kv_head=n_head / 2",
                                                       "n_kv_head = n_head / 2")  # fmt: skip


def test_an_override_moves_what_is_relative_to_it(tmp_path: Path) -> None:
    text = "rows: {r: {n_kv_head: = n_head / 2}}\n"
    assert row(plan(tmp_path, text, "model_dim=256"), "r").values["model.n_kv_head"] == 4
    relative = plan(tmp_path, "name: m\n", "n_kv_head= = n_head / 4").rows[0]
    assert relative.values["model.n_kv_head"] == 1


PROFILED = [
    # the knob is scaled like what it refers to: it follows
    ("baseline: {model_dim: 512, head_dim: 128, rope_dims: = head_dim / 4}", "model.rope_dims", 8),
    # the number carries the width: the result is scaled
    ("baseline: {depth: 8, model_dim: = depth * 64}", "model.model_dim", 128),
    # no profile scales the knob: it follows the scaled shape
    ("baseline: {model_dim: 512, n_kv_head: = n_head / 2}", "model.n_kv_head", 8),
    ("baseline: {head_dim: 16, rope_dims: = head_dim / 4}", "model.rope_dims", 2),
]


@pytest.mark.parametrize(("text", "name", "expected"), PROFILED)
def test_a_profile_and_a_relative_value_agree_on_the_size(
    tmp_path: Path, text: str, name: str, expected: Value
) -> None:
    text = f"{text}\nrows: {{r: {{bits: 4}}}}\n"
    assert plan(tmp_path, text, profile="cpu").rows[0].values[name] == expected


BAD_RELATIVE = [
    ("rows:\n  r: {n_kv_head: = n_head / 3}\n", "2:18",
     "model.n_kv_head wants int or null, found 1.3333333333333333 from `n_head / 3`", "rounds"),
    ("rows:\n  r: {depth: = n_head - 9}\n", "2:14",
     "model.depth is at least 1 layer, found -5 from `n_head - 9`", "in row 'r'"),
    ("rows:\n  r: {depth: = seconds * 2}\n", "2:14", "seconds is null", "in row 'r'"),
    ("rows:\n  r: {depth: = n_head == 4}\n", "2:14", "`n_head == 4` is True", "in row 'r'"),
    ("baseline: {depth: = n_head / 0}\n", "1:19", "a division by zero", "in row 'baseline'"),
    # relative to the parent's
    ("budget: {seconds: 5}\nrows:\n  r: {steps: = steps * 2}\n", "3:14",
     "steps is null, which is no number, in `steps * 2`", "in row 'r'"),
    ("rows:\n  r: {depth: = depth / 3}\n", "2:14",
     "model.depth wants int, found 1.3333333333333333 from `depth / 3`", "rounds"),
    ("rows:\n  r: {depth: = depth - 4}\n", "2:14",
     "model.depth is at least 1 layer, found 0 from `depth - 4`", "in row 'r'"),
    ("rows:\n  r: {depth: = depth}\n", "2:3", "row 'r' is the same as row 'baseline'", "same_as"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "what", "hint"), BAD_RELATIVE)
def test_a_relative_value_that_does_not_fit_is_reported_where_it_stands(
    tmp_path: Path, text: str, place: str, what: str, hint: str
) -> None:
    problem = mistake_at(tmp_path, text, place)
    assert what in problem.what
    assert hint in problem.hint


def test_relative_values_that_go_round_in_a_circle_are_all_named(tmp_path: Path) -> None:
    text = "rows: {r: {depth: = n_kv_head, n_kv_head: = depth}}\n"
    found = [p.what.split(" is relative to itself")[0] for p in mistakes(tmp_path, text)]
    assert found == ["model.depth", "model.n_kv_head"]
