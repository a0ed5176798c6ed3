"""The arithmetic of the table against numbers worked out by hand."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.report.study import Study, StudyRow
from golf.report.table import Analysis, TableRow, analyze, delta_of, spread

SCORES = ("pre_bpb", "post_bpb", "ttt_bpb")
FINITE = st.floats(-1e6, 1e6)


def study(*cells: tuple[object, ...]) -> Study:
    """Return cells of (row, parent, seed, pre, post, ttt, bytes); None is missing."""
    names = ("row", "parent", "seed", *SCORES, "artifact_bytes")
    lines = [dict(zip(names, cell, strict=True)) for cell in cells]
    parents = {str(line["row"]): str(line.pop("parent")) for line in lines}
    rows = [
        StudyRow(n, change=f"what {n} changes", parent=p, note=f"on {n}")
        for n, p in parents.items()
    ]
    for line in lines:
        line["complete"] = line["post_bpb"] is not None
        line["scored_bytes"] = 1000
    return Study("test", tuple(rows), tuple(lines))


def delta(found: Analysis, row: str, parent: str, measure: str) -> float | None:
    made = delta_of(found.values[row], found.values[parent], measure)
    return made.mean if made else None


CELLS = study(
    ("baseline", "", 1, 1.50, 1.60, None, 15_000_000),
    ("baseline", "", 2, 1.52, 1.64, None, 15_200_000),
    ("baseline", "", 3, 1.54, 1.62, None, 15_100_000),
    ("wide", "baseline", 1, 1.40, 1.50, 1.45, 16_000_000),
    ("wide", "baseline", 2, 1.46, 1.58, 1.47, 15_900_000),
    ("wide", "baseline", 4, 9.00, 9.00, 9.00, 15_900_000),
    ("deep", "wide", 1, 1.45, 1.52, 1.40, 16_000_001),
    ("deep", "wide", 2, 1.47, None, None, None),
    ("new", "baseline", 1, None, None, None, None),
)


def row(name: str) -> TableRow:
    return analyze(CELLS).of(name)


def test_rows_keep_their_order_and_their_words() -> None:
    table = analyze(CELLS).table
    assert [r.row for r in table] == ["baseline", "wide", "deep", "new"]
    assert [r.parent for r in table] == ["", "baseline", "wide", "baseline"]
    assert (table[1].info.change, table[1].info.note) == ("what wide changes", "on wide")


@pytest.mark.parametrize(
    ("name", "score", "n", "mean", "std"),
    [
        ("baseline", "pre_bpb", 3, 1.52, 0.02),
        ("baseline", "post_bpb", 3, 1.62, 0.02),
        ("deep", "pre_bpb", 2, 1.46, math.sqrt(0.0002)),
        ("deep", "post_bpb", 1, 1.52, None),
        ("baseline", "ttt_bpb", 0, None, None),
        ("new", "pre_bpb", 0, None, None),
    ],
)
def test_means_and_sample_deviations_are_over_the_seeds_that_are_there(
    name: str, score: str, n: int, mean: float | None, std: float | None
) -> None:
    found = row(name).spread(score)
    assert found.n == n
    assert found.mean == (mean if mean is None else pytest.approx(mean))
    assert found.std == (std if std is None else pytest.approx(std))


@pytest.mark.parametrize(
    ("name", "score", "delta"),
    [
        ("baseline", "post_bpb", None),
        ("wide", "pre_bpb", -0.08),  # seeds 1 and 2: -0.10 and -0.06; seed 4 has no partner
        ("wide", "post_bpb", -0.08),
        ("wide", "ttt_bpb", None),  # the parent has none
        ("deep", "pre_bpb", 0.03),  # against wide: 0.05 and 0.01
        ("deep", "post_bpb", 0.02),  # seed 1 alone
        ("deep", "ttt_bpb", -0.05),
        ("new", "post_bpb", None),
    ],
)
def test_deltas_are_paired_with_the_parent_over_shared_seeds(
    name: str, score: str, delta: float | None
) -> None:
    found = row(name).delta(score)
    assert found == (delta if delta is None else pytest.approx(delta))


def test_rows_without_a_shared_seed_differ_by_their_means() -> None:
    found = analyze(study(("a", "", 1, 1.0, 1.0, 1.0, 1), ("b", "a", 2, 2.5, 2.0, 2.0, 1)))
    assert delta(found, "b", "a", "pre_bpb") == 1.5


def test_the_order_of_seeds_does_not_matter() -> None:
    found, shuffled = analyze(CELLS), analyze(replace(CELLS, lines=CELLS.lines[::-1]))
    for name, parent in (("wide", "baseline"), ("deep", "wide")):
        expected = pytest.approx(delta(found, name, parent, "pre_bpb"))
        assert delta(shuffled, name, parent, "pre_bpb") == expected


def test_deltas_are_judged_over_the_whole_table() -> None:
    judged = [r.judged["post_bpb"] for r in analyze(CELLS).table]
    assert [j and j.delta.test for j in judged] == [None, "paired", "none", None]
    assert judged[1] is not None
    assert judged[1].p_holm == judged[1].p


def test_the_noise_floor_counts_a_shared_training_once() -> None:
    shared = [("a", "", 1, 1.0, 1, 1, 1), ("a", "", 2, 1.2, 2, 1, 1)]
    again = [("b", "a", *cell[2:]) for cell in shared]
    floors = analyze(study(*shared, *again)).floors
    assert floors["pre_bpb"] is not None
    assert floors["pre_bpb"].df == 1
    assert floors["pre_bpb"].std == pytest.approx(math.sqrt(0.02))


@pytest.mark.parametrize(("name", "n"), [("baseline", 3), ("wide", 3), ("deep", 1), ("new", 0)])
def test_n_counts_complete_seeds(name: str, n: int) -> None:
    assert row(name).n == n


@pytest.mark.parametrize(
    ("name", "largest", "fits"),
    [
        ("baseline", 15_200_000, True),
        ("wide", 16_000_000, True),
        ("deep", 16_000_001, False),
        ("new", None, None),
    ],
)
def test_the_largest_seed_decides_whether_a_row_fits(
    name: str, largest: int | None, fits: bool | None
) -> None:
    assert row(name).largest_bytes == largest
    assert row(name).fits is fits


def test_one_seed_over_the_limit_is_enough_not_to_fit() -> None:
    cells = study(("a", "", 1, 1, 1, 1, 1_000_000), ("a", "", 2, 1, 1, 1, 16_000_001))
    assert analyze(cells).table[0].fits is False


@given(st.lists(FINITE, min_size=2, max_size=8))
def test_spread_is_the_mean_and_the_sample_deviation(values: list[float]) -> None:
    found = spread(values)
    assert found.n == len(values)
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-9, abs=1e-9)
    assert found.std == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-6)


@given(st.lists(FINITE, min_size=1, max_size=6), st.integers(1, 4))
def test_missing_values_are_left_out(values: list[float], missing: int) -> None:
    holes = [math.nan, None] * missing
    assert spread([*holes, *values]) == spread(values)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=6))
def test_a_paired_delta_over_equal_seeds_is_the_difference_of_means(
    pairs: list[tuple[float, float]],
) -> None:
    found = analyze(
        study(
            *(("a", "", i, a, 0, 0, 0) for i, (a, _) in enumerate(pairs)),
            *(("b", "a", i, b, 0, 0, 0) for i, (_, b) in enumerate(pairs)),
        )
    )
    means = [statistics.fmean(column) for column in zip(*pairs, strict=True)]
    expected = pytest.approx(means[1] - means[0], rel=1e-9, abs=1e-6)
    assert delta(found, "b", "a", "pre_bpb") == expected


@pytest.mark.parametrize(("counted", "known"), [(100_005, True), (100_050, False), (None, True)])
def test_scores_of_different_validation_text_have_no_delta(
    counted: int | None, known: bool
) -> None:
    base = {"row": "a", "seed": 1, "post_bpb": 1.5, "scored_bytes": 100_000}
    mine = {"row": "b", "seed": 1, "post_bpb": 1.4, "scored_bytes": counted}
    found = delta_of({1: mine}, {1: base}, "post_bpb")
    assert (found is not None) == known
