"""Waves that cannot be reached or decided are refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.played import fixed, mistakes, parents, planned, play, write_matrix
from tests.plan.waves import S1, TWO

ROWS = "rows: {a: {depth: 2}, b: {depth: 3}, c: {parent: b, bits: 4}}\n"


UNREACHABLE = {
    "a later wave": (
        "waves:\n  - {rows: [a], baseline: {winner_of: 2}}\n  - {rows: [b]}\n",
        "3:5",
        "wave '1' waits for wave '2', which comes later",
    ),
    "itself": (
        "waves: [{rows: [a], baseline: {winner_of: 1}}]\n",
        "2:9",
        "wave '1' waits for itself",
    ),
    "no such wave": (
        "waves: [{name: x, rows: [a]}, {rows: [b], baseline: {winner_of: y}}]\n",
        "2:31",
        "wave '2' waits for wave 'y', which is not there",
    ),
    "no such file": (
        "waves: [{rows: [a], baseline: {winner_of: none.yaml}}]\n",
        "2:9",
        "there is no matrix",
    ),
    "a row that is not there": ("waves: [{rows: [aa]}]\n", "2:9", "an unknown row 'aa'"),
    "a row of two waves": ("waves: [{rows: [a]}, {rows: [a]}]\n", "2:22", "'a' is listed"),
    "a parent in a later wave": (
        "waves: [{rows: [c]}, {rows: [b]}]\n",
        "1:38",
        "row 'c' builds on 'b', which is known after it only",
    ),
    "a parent where the best is the parent": (
        "waves: [{rows: [b, c], adopt: if_better, margin: 0}]\n",
        "1:38",
        "row 'c' has a parent",
    ),
    "no replicates and no margin": (
        "waves:\n  - {rows: [a]}\n  - {rows: [b], baseline: {winner_of: 1}}\n",
        "4:5",
        "one seed a row cannot tell a gain from noise, so",
    ),
    "nothing to combine": ("waves: [{combine: winners}]\n", "2:9", "combines nothing"),
    "rows of a combination": ("waves: [{combine: winners, rows: [a]}]\n", "2:9", "no rows of its"),
    "a negative margin": (
        "waves: [{rows: [a], margin: -1}]\n",
        "2:29",
        "margin is a number from 0",
    ),
    "no measure": ("waves: [{rows: [a], by: bpb}]\n", "2:25", "unknown name 'bpb'"),
    "no winner": ("waves: [{rows: [a], baseline: {by: pre}}]\n", "2:31", "names a winner"),
    "no list": ("waves: {rows: [a]}\n", "2:8", "waves are a list"),
    "no rows": ("waves: [{margin: 0}]\n", "2:9", "a wave has rows, or combines winners"),
    "a wave called like a row": ("waves: [{name: a, rows: [b]}]\n", "2:9", "already a wave or row"),
    "a wave called like the baseline": (
        "baseline: {name: base}\nwaves: [{rows: [a]}, {name: base, combine: winners}]\n",
        "3:22",
        "already a wave or row 'base'",
    ),
    "an unknown word": ("waves: [{row: [a]}]\n", "2:10", "unknown word of a wave 'row'"),
}


def test_a_row_of_a_wave_cannot_build_on_one_that_waits_for_it(tmp_path: Path) -> None:
    text = "rows: {a: {depth: 2}, b: {parent: a, bits: 4}, c: {parent: b, bits: 5}}\n"
    (problem,) = mistakes(tmp_path, text + "waves: [{rows: [a, c]}]\n")
    assert problem.what == "row 'c' builds on 'a', which is known after it only"
    assert len(planned(write_matrix(tmp_path, text + "waves: [{rows: [a, b]}]\n")).cells) == 4


@pytest.mark.parametrize("kind", UNREACHABLE)
def test_a_winner_that_cannot_be_reached_is_a_mistake(tmp_path: Path, kind: str) -> None:
    text, place, what = UNREACHABLE[kind]
    found = mistakes(tmp_path, ROWS + text)
    assert (found[0].where, what) == (f"{tmp_path / 'm.yaml'}:{place}", what)
    assert what in found[0].what


def test_matrices_that_wait_for_each_other_are_a_mistake(tmp_path: Path) -> None:
    write_matrix(tmp_path, S1.replace("shape.yaml", "m.yaml"), "shape.yaml")
    (problem,) = mistakes(tmp_path, S1)
    assert "waits for this file in turn" in problem.what


def test_a_mistake_in_a_late_wave_is_told_before_the_first_one_runs(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, TWO.replace("{rope_dims: 16}", "{gate_width: 8}"))
    assert "model.gate_width changes nothing" in problem.what


def test_a_point_that_is_dropped_cannot_be_in_a_wave(tmp_path: Path) -> None:
    text = "grid: {depth: [2, 6]}\nwhere: [depth < 5]\nwaves: [{rows: [depth=6]}]\n"
    (problem,) = mistakes(tmp_path, text)
    assert problem.what == "wave '1' names row 'depth=6', which is dropped"


UNPAIRED = {
    "with the baseline": (
        "seeds: [1]\nrows: {a: {depth: 2, seeds: [7]}, b: {bits: 5}}\n"
        "waves: [{rows: [a], margin: 0}, {rows: [b], baseline: {winner_of: 1}}]\n",
        "2:8", "row 'a' of wave '1' shares no seed with 'baseline'",
    ),
    "with a winner": (
        "seeds: [1, 2]\nrows: {a: {depth: 2, seeds: [1]}, b: {bits: 5, seeds: [2]}, c: {bits: 4}}\n"
        "waves:\n  - {rows: [a], margin: 0}\n  - {rows: [b], baseline: {winner_of: 1}}\n"
        "  - {rows: [c], baseline: {winner_of: 2}}\n",
        "2:35", "row 'b' of wave '2' shares no seed with 'a'",
    ),
    "with the best so far": (
        "seeds: [1, 2]\nrows: {a: {depth: 2, seeds: [1]}, b: {bits: 5, seeds: [2]}}\n"
        "waves: [{rows: [a, b], adopt: if_better, margin: 0}]\n",
        "2:35", "row 'b' of wave '1' shares no seed with 'a'",
    ),
    "of another matrix": (
        "waves: [{rows: [a], baseline: {winner_of: lone.yaml, margin: 0}}]\nrows: {a: {bits: 4}}\n",
        "1:9", "row 'x' of {}/lone.yaml shares no seed with 'baseline'",
    ),
    "that a rule adds": (
        "seeds: {max: 3, until: {p: 0.05}}\n"
        "rows: {a: {depth: 2, seeds: [1337, 1338]}, b: {parent: a, bits: 5}}\n",
        "2:44", "the rule for seeds adds some to row 'b', but not to 'a' below it",
    ),
    "that a rule adds to a stack": (
        "seeds: {max: 3, until: {p: 0.05}}\n"
        "rows: {a: {depth: 2, seeds: [1337]}, b: {bits: 5, seeds: [1337]}}\n"
        "waves:\n  - {rows: [a], margin: 0}\n"
        "  - {rows: [b], margin: 0, baseline: {winner_of: 1}}\n  - {combine: winners}\n",
        "6:5",
        "the rule for seeds adds some to row 'winners', but not to 'a' below it",
    ),
    "that a rule adds to what follows a winner": (
        "seeds: {max: 3, until: {p: 0.05}}\n"
        "rows: {a: {depth: 2, seeds: [1337]}, b: {bits: 5}}\n"
        "waves: [{rows: [a], margin: 0}, {rows: [b], baseline: {winner_of: 1}}]\n",
        "2:38", "the rule for seeds adds some to row 'b', but not to 'a' below it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNPAIRED)
def test_rows_without_a_seed_to_compare_them_by_are_a_mistake(tmp_path: Path, kind: str) -> None:
    text, place, what = UNPAIRED[kind]
    write_matrix(tmp_path, "seeds: [1]\nrows: {x: {bits: 5, seeds: [7]}}\n", "lone.yaml")
    (problem,) = mistakes(tmp_path, text)
    assert (problem.where, problem.what) == (
        f"{tmp_path / 'm.yaml'}:{place}",
        what.format(tmp_path),
    )


def test_rows_of_one_seed_that_all_have_can_be_compared(tmp_path: Path) -> None:
    text = (
        "seeds: [1, 2]\nrows: {a: {depth: 2, seeds: [2, 7]}, b: {bits: 5, seeds: [2]}}\n"
        "waves: [{rows: [a], margin: 0.001}, {rows: [b], baseline: {winner_of: 1}}]\n"
    )
    last = play(write_matrix(tmp_path, text), fixed(a=0.5))[-1]
    assert parents(last) == {"a": "baseline", "b": "a"}


@pytest.mark.parametrize(
    ("rows", "wave", "idle"),
    [
        ("a: {bits: 5}", "{rows: [a], margin: 0, by: ttt}", "the baseline"),
        ("a: {ttt: sgd}", "{rows: [a], margin: 0, by: ttt}", "the baseline"),
        (
            "a: {bits: 5}, b: {bits: 4}",
            "{rows: [b], baseline: {winner_of: 1, margin: 0, by: ttt}}",
            "the baseline",
        ),
        ("a: {ttt: none}}\nbaseline: {ttt: sgd", "{rows: [a], margin: 0, by: ttt}", "row 'a'"),
    ],
)
def test_a_winner_by_a_score_that_no_row_gets_is_a_mistake(
    tmp_path: Path, rows: str, wave: str, idle: str
) -> None:
    first = "" if "[a]" in wave else "{rows: [a]}, "
    (problem,) = mistakes(tmp_path, f"waves: [{first}{wave}]\nrows: {{{rows}}}\n")
    assert problem.where == f"{tmp_path / 'm.yaml'}:1:{22 if first else 9}"
    assert problem.what.startswith(f"`by: ttt` decides here, but {idle} has no test-time")
