"""Deltas against scipy.stats, against published tests, and against simulated truth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from golf.statistics.delta import (
    Delta,
    Printed,
    by_seed,
    crossed,
    crossed_apart,
    one_sample,
    paired,
    rounding_variance,
    welch,
)

SCORES = st.floats(0.5, 4.0)
SAMPLES = st.lists(SCORES, min_size=2, max_size=8, unique=True)


def told(delta: Delta) -> tuple[object, ...]:
    """Return what is told of the test "there is no gain"."""
    return delta.t(), delta.df, delta.p_gain()


def of_scipy(reference: Any) -> tuple[object, ...]:
    """Return the same of a scipy result of "candidate < baseline"."""
    return (
        pytest.approx(-reference.statistic, rel=1e-6),
        pytest.approx(reference.df, rel=1e-6),
        pytest.approx(reference.pvalue, rel=1e-6, abs=1e-12),
    )


@given(SAMPLES, SAMPLES)
def test_welch_agrees_with_scipy(candidate: list[float], baseline: list[float]) -> None:
    assume(min(np.std(candidate), np.std(baseline)) > 1e-6)
    reference = stats.ttest_ind(candidate, baseline, equal_var=False, alternative="less")
    assert told(welch(candidate, baseline)) == of_scipy(reference)


@given(st.lists(st.tuples(SCORES, SCORES), min_size=2, max_size=8))
def test_paired_agrees_with_scipy(pairs: list[tuple[float, float]]) -> None:
    candidate, baseline = zip(*pairs, strict=True)
    assume(np.std(np.subtract(candidate, baseline)) > 1e-6)
    reference = stats.ttest_rel(candidate, baseline, alternative="less")
    assert told(paired(candidate, baseline)) == of_scipy(reference)


@given(SAMPLES, SCORES)
def test_one_sample_agrees_with_scipy(candidate: list[float], fixed: float) -> None:
    assume(np.std(candidate) > 1e-6)
    reference = stats.ttest_1samp(candidate, fixed, alternative="less")
    assert told(one_sample(candidate, fixed)) == of_scipy(reference)


def test_two_sided_p_and_interval_agree_with_scipy() -> None:
    candidate, baseline = [1.06, 1.07, 1.065], [1.08, 1.09]
    delta = welch(candidate, baseline)
    reference = stats.ttest_ind(candidate, baseline, equal_var=False)
    assert delta.p_two_sided() == pytest.approx(reference.pvalue)
    assert delta.interval(0.9) == pytest.approx(reference.confidence_interval(0.9))


def test_a_margin_moves_the_null_hypothesis() -> None:
    candidate, baseline = [1.06, 1.07, 1.065], [1.08, 1.09]
    shifted = stats.ttest_ind(candidate, np.subtract(baseline, 0.004), equal_var=False)
    delta = welch(candidate, baseline)
    assert delta.t(0.004) == pytest.approx(-shifted.statistic)
    assert delta.p_gain(0.004) > delta.p_gain()


def test_equivalence_is_the_worse_of_two_one_sided_tests() -> None:
    pairs = [(1.000, 1.001), (1.003, 1.001), (0.999, 1.0), (1.001, 1.0)]
    delta = paired(*zip(*pairs, strict=True))
    differences = np.subtract(*zip(*pairs, strict=True))
    above = stats.ttest_1samp(differences, -0.005, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, 0.005, alternative="less").pvalue
    assert delta.p_equivalent(0.005) == pytest.approx(max(above, below))


def test_a_tiny_margin_is_never_equivalence() -> None:
    assert paired([1.0, 1.1, 1.2], [1.1, 1.0, 1.2]).p_equivalent(1e-9) > 0.4


@pytest.mark.parametrize(
    ("candidate", "baseline", "test", "n"),
    [
        ({1: 1.0, 2: 1.1}, {1: 1.2, 2: 1.4}, "paired", 2),
        ({1: 1.0, 2: 1.1, 3: 9.0}, {1: 1.2, 2: 1.4}, "paired", 2),
        ({1: 1.0, 2: 1.1}, {3: 1.2, 4: 1.4}, "welch", 2),
        ({1: 1.0, 2: 1.1}, {2: 1.2, 4: 1.4}, "welch", 2),
        ({1: 1.0}, {1: 1.2, 2: 1.4}, "none", 1),
        ({5: 1.0}, {1: 1.2}, "none", 1),
    ],
)
def test_seeds_decide_how_rows_are_compared(
    candidate: dict[int, float], baseline: dict[int, float], test: str, n: int
) -> None:
    delta = by_seed(candidate, baseline)
    assert delta is not None
    assert (delta.test, delta.n) == (test, n)


def test_a_lone_seed_is_compared_with_its_partner_not_with_the_mean() -> None:
    delta = by_seed({1: 1.0}, {1: 1.25, 2: 9.0})
    assert delta is not None
    assert delta.mean == -0.25


def test_a_lone_seed_proves_nothing() -> None:
    delta = by_seed({1: 1.0}, {1: 1.2})
    assert delta is not None
    assert (delta.p_two_sided(), delta.interval(), delta.t()) == (None, None, None)


def test_rows_without_values_have_no_delta() -> None:
    assert by_seed({}, {1: 1.0}) is None


def test_equal_rows_do_not_differ() -> None:
    value = 1.0 / 3
    delta = paired([value, value + 1], [value, value + 1])
    assert delta.p_two_sided() == pytest.approx(1.0)
    assert delta.p_gain() == pytest.approx(0.5)


def test_rounded_numbers_that_agree_prove_no_certainty() -> None:
    delta = paired([1.0712, 1.0713], [1.0718, 1.0719])
    spread = math.sqrt(2 * (1e-4**2 / 12) / 2)
    assert delta.std_error == pytest.approx(spread)
    assert delta.p_two_sided() > 0.01


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([1.0], 1), ([1.07], 2), ([1.07, 1.0612], 4), ([1e-05], 5), ([2e7], 1)],
)
def test_decimals_are_those_that_were_printed(values: list[float], decimals: int) -> None:
    assert rounding_variance(values) * 12 == pytest.approx(10.0 ** (-2 * decimals), rel=1e-9, abs=0)


SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)


def test_students_own_sleep_data_reproduce() -> None:
    """Hours of sleep gained under two drugs (Student, 1908), as every textbook prints them."""
    pairs, groups = paired(*SLEEP), welch(*SLEEP)
    assert (pairs.t(), pairs.df) == (pytest.approx(4.0621, abs=5e-5), 9)
    assert pairs.p_two_sided() == pytest.approx(0.002833, abs=5e-7)
    assert (groups.t(), groups.df) == (
        pytest.approx(1.8608, abs=5e-5),
        pytest.approx(17.776, abs=5e-4),
    )
    assert groups.p_two_sided() == pytest.approx(0.07939, abs=5e-6)
    assert groups.interval() == pytest.approx((-3.3654832, 0.2054832), abs=5e-8)


@pytest.mark.parametrize("test", ["paired", "welch", "one-sample"])
@pytest.mark.parametrize("n", [2, 3, 7])
def test_intervals_cover_the_truth_as_often_as_they_say(test: str, n: int) -> None:
    """4,000 simulated tables with a known difference; unequal spreads where the test allows."""
    rng, truth, trials = np.random.default_rng(n), -0.003, 4000
    hits = 0
    for _ in range(trials):
        shared = rng.normal(0, 0.002, n)
        baseline = 1.08 + shared + rng.normal(0, 0.0007, n)
        candidate = 1.08 + truth + shared + rng.normal(0, 0.0007, n)
        if test == "welch":
            candidate = 1.08 + truth + rng.normal(0, 0.0014, n)
            baseline = 1.08 + rng.normal(0, 0.0014, n)
        delta = {
            "paired": lambda c, b: paired(c, b),
            "welch": lambda c, b: welch(c, b),
            "one-sample": lambda c, b: one_sample(c, 1.08),
        }[test](candidate.tolist(), baseline.tolist())
        low, high = delta.interval(0.95)
        hits += low <= truth <= high
    noise = 4 * math.sqrt(0.95 * 0.05 / trials)
    assert hits / trials > 0.95 - noise
    if test != "welch":  # Welch's approximation is cautious with two or three values
        assert hits / trials < 0.95 + noise


CORNERS = ((1.10, 1.12, 1.09), (1.20, 1.22, 1.18), (1.15, 1.16, 1.16), (1.25, 1.24, 1.27))


def test_an_interaction_is_tested_pair_by_pair() -> None:
    values = [a - b - (c - d) for a, b, c, d in zip(*CORNERS, strict=True)]
    found = crossed(CORNERS)
    told = found.mean, found.df, found.p_two_sided()
    test = stats.ttest_1samp(values, 0)
    assert told == pytest.approx((sum(values) / 3, 2, test.pvalue))


def test_an_interaction_of_rounded_numbers_is_never_certain() -> None:
    corners = [[Printed(x)] * 3 for x in ("1.1002", "1.2000", "1.1501", "1.2500")]
    found = crossed(corners)
    assert found.std_error == pytest.approx(math.sqrt(4 * 1e-8 / 12 / 3))


def test_an_interaction_of_unpaired_numbers_has_the_spread_of_all_four() -> None:
    found = crossed_apart(CORNERS)
    parts = [stats.tvar(corner) / 3 for corner in CORNERS]
    assert found.mean == pytest.approx(crossed(CORNERS).mean)
    assert found.std_error == pytest.approx(math.sqrt(sum(parts)))
    assert found.df == pytest.approx(sum(parts) ** 2 / sum(p**2 / 2 for p in parts))
