"""Every mistake in a matrix file is reported with its place, all of them at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from golf.config.load import load_matrix, read_matrix
from golf.errors import GolfError
from tests.config.loading import load, mistakes, write
from tests.config.mistaken import MISTAKES


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_reported_at_its_line_and_column(tmp_path: Path, kind: str) -> None:
    text, place, what, hint = MISTAKES[kind]
    problem, *others = mistakes(tmp_path, text)
    assert not [p for p in others if p.where.startswith(f"{tmp_path / 'm.yaml'}:")]
    assert problem.where == f"{tmp_path / 'm.yaml'}{place and ':' + place}"
    assert what in problem.what
    assert hint in problem.hint


def test_all_mistakes_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    text = (
        "nam: x\n"
        "seeds: []\n"
        "baseline: {depht: 2, embed_bits: 9}\n"
        "factors:\n"
        "  head_dim: [32, wide]\n"
        "rows:\n"
        "  a: {parent: b, rope_base: 0.5}\n"
    )
    places = [p.where.removeprefix(f"{tmp_path / 'm.yaml'}:") for p in mistakes(tmp_path, text)]
    assert sorted(places) == ["1:1", "2:8", "3:12", "3:34", "5:18", "7:29", "7:3"]


def test_every_row_of_a_parent_circle_is_named(tmp_path: Path) -> None:
    text = "rows:\n  a: {parent: b, depth: 2}\n  b: {parent: a, depth: 3}\n"
    found = mistakes(tmp_path, text)
    assert [p.what for p in found] == [
        f"the parents of row {name!r} go round in a circle" for name in "ab"
    ]


def test_a_row_that_equals_its_parent_falls_with_what_is_below_both(tmp_path: Path) -> None:
    text = "rows: {a: {parent: z, bits: 4}, b: {parent: a}, c: {parent: b, same_as: b}}\n"
    matrix = read_matrix(write(tmp_path, text))
    assert (matrix.drafts, len(matrix.problems)) == ((), 1)


def test_two_odd_numbers_are_both_refused(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "baseline: {depth: 0x10, seq_len: 1:30}\n")
    assert [p.what.split()[0] for p in found] == ["0x10", "1:30"]


def test_an_alias_that_contains_itself_is_refused(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "baseline: &a {x: *a}\n")
    assert "contains itself" in problem.what


def test_a_number_too_large_for_a_float_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, f"baseline: {{rope_base: 1{'0' * 400}}}\n")
    assert "rope_base" in problem.what


def test_a_number_with_thousands_of_digits_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    assert mistakes(tmp_path, f"baseline: {{depth: 1{'0' * 5000}}}\n")


def test_the_budget_section_and_the_baseline_cannot_set_one_knob_twice(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, "budget: {steps: 5}\nbaseline: {steps: 9}\n")
    assert "train.steps" in problem.what


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GolfError) as caught:
        load_matrix(tmp_path / "none.yaml")
    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: no such file"


UNREADABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "cannot be read: it is no regular file"),
    "pipe": (os.mkfifo, "cannot be read: it is no regular file"),
    "latin-1": (
        lambda path: path.write_bytes(b"name: caf\xe9\n"),
        "cannot be read: it is not UTF-8",
    ),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_file_is_named(tmp_path: Path, kind: str) -> None:
    make, what = UNREADABLE[kind]
    make(path := tmp_path / "m.yaml")
    with pytest.raises(GolfError) as caught:
        load_matrix(path)
    assert caught.value.problems[0][:2] == (str(path), what)


def test_the_text_of_an_error_is_place_finding_and_next_step(tmp_path: Path) -> None:
    with pytest.raises(GolfError) as caught:
        load(tmp_path, "baseline:\n  model.gate_widht: 24\n")
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'm.yaml'}:2:3: unknown factor 'model.gate_widht'",
        f"  {caught.value.problems[0].hint}",
    ]
