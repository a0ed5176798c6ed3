"""Verdicts over whole tables: corrections and false findings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.statistics.delta import Delta, by_seed
from golf.statistics.verdict import Verdict, holm, judge


def slow_holm(p: list[float]) -> list[float]:
    """Follow the definition: the largest of (m - j) p_(j) over all p_(j) up to mine."""
    ordered = sorted(p)
    return [
        min(1.0, max((len(p) - j) * q for j, q in enumerate(ordered) if q <= mine)) for mine in p
    ]


@given(st.lists(st.floats(0, 1), unique=True, max_size=12))
def test_holm_follows_its_definition(p: list[float]) -> None:
    assert holm(p) == pytest.approx(slow_holm(p))


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_a_p_value_nor_changes_the_order(p: list[float]) -> None:
    corrected = holm(p)
    assert all(c >= raw for c, raw in zip(corrected, p, strict=True))
    assert [corrected[i] for i in np.argsort(p, kind="stable")] == sorted(corrected)


def table(rng: np.random.Generator, rows: int, seeds: int, effect: float) -> list[Delta | None]:
    """Simulate deltas of ``rows`` rows, the first of which is better by ``effect``."""
    base = dict(enumerate((1.08 + rng.normal(0, 0.0007, seeds)).tolist()))
    truths = [-effect] + [0.0] * (rows - 1)
    cells = [dict(enumerate((1.08 + t + rng.normal(0, 0.0007, seeds)).tolist())) for t in truths]
    return [by_seed(cell, base) for cell in cells]


def test_tables_of_nothing_rarely_find_something() -> None:
    """The share of tables with a single false finding stays under 5 %."""
    rng, trials = np.random.default_rng(0), 1500
    wrong = 0
    for _ in range(trials):
        found = judge(table(rng, rows=10, seeds=3, effect=0.0))
        wrong += any(j and j.verdict in (Verdict.BETTER, Verdict.WORSE) for j in found)
    assert wrong / trials < 0.05 + 4 * math.sqrt(0.05 * 0.95 / trials)


def test_a_real_gain_is_found_and_its_sign_is_right() -> None:
    rng = np.random.default_rng(1)
    tables = [judge(table(rng, rows=5, seeds=5, effect=0.01)) for _ in range(200)]
    first = [t[0].verdict for t in tables if t[0]]
    assert first.count(Verdict.BETTER) > 180
    assert Verdict.WORSE not in first


def test_worse_is_worse() -> None:
    (found,) = judge([by_seed({1: 1.2, 2: 1.21, 3: 1.19}, {1: 1.0, 2: 1.01, 3: 1.005})])
    assert found is not None
    assert found.verdict is Verdict.WORSE


def test_one_seed_is_not_a_test_and_does_not_count_as_one() -> None:
    lone = by_seed({1: 1.0}, {1: 2.0})
    tested = by_seed({1: 1.0, 2: 1.1, 3: 1.2}, {1: 1.01, 2: 1.12, 3: 1.23})
    first, second, third = judge([lone, tested, None])
    assert first is not None
    assert second is not None
    assert (first.verdict, first.p_holm) == (Verdict.ONE_SEED, None)
    assert second.p_holm == second.p
    assert third is None
