"""The noise of a table: unpaired and paired, against fits, definitions and simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from golf.statistics.noise import noise_floor, paired_noise

SEEDS = st.sets(st.integers(0, 4), min_size=1)
SCORE = st.floats(0.9, 1.1)


@given(st.data(), st.lists(SEEDS, min_size=1, max_size=5))
def test_the_noise_is_the_residual_of_a_least_squares_fit(data, seeds) -> None:
    table = [{s: data.draw(SCORE) for s in sorted(row)} for row in seeds]
    design, values = [], []
    for i, row in enumerate(table):
        for seed, value in row.items():
            line = [0.0] * (len(table) + 5)
            line[i] = line[len(table) + seed] = 1.0
            design.append(line)
            values.append(value)
    fit, *_ = np.linalg.lstsq(np.array(design), np.array(values), rcond=None)
    degrees = len(values) - np.linalg.matrix_rank(np.array(design))
    squares = float(np.sum((np.array(values) - np.array(design) @ fit) ** 2))
    noise = paired_noise(table)
    assert (noise.df if noise else 0) == degrees
    if noise:
        assert noise.std == pytest.approx(math.sqrt(squares / degrees), abs=1e-8)


def test_seed_levels_that_rows_share_are_no_noise() -> None:
    rows = [{s: level + s * 0.1 for s in range(3)} for level in (1.0, 0.9, 1.3)]
    noise = paired_noise(rows)
    assert noise is not None
    assert noise.std == pytest.approx(0.0, abs=1e-12)


def test_the_noise_floor_pools_rows_by_their_degrees_of_freedom() -> None:
    floor = noise_floor([[1.0, 1.2], [5.0, 5.1, 5.5], [3.0]])
    assert floor is not None
    expected = math.sqrt((np.var([1.0, 1.2], ddof=1) + 2 * np.var([5.0, 5.1, 5.5], ddof=1)) / 3)
    assert (floor.std, floor.df) == (pytest.approx(expected), 3)
    t = stats.t.ppf(0.975, 3)
    assert floor.reach(1, 3) == pytest.approx(t * expected * math.sqrt(4 / 3))


def test_no_replicates_no_noise_floor() -> None:
    assert noise_floor([[1.0], [2.0], []]) is None


def test_single_seeds_rarely_exceed_the_floor_by_chance() -> None:
    rng, trials = np.random.default_rng(2), 4000
    beyond = 0
    for _ in range(trials):
        floor = noise_floor(rng.normal(1, 0.001, (4, 3)).tolist())
        assert floor is not None
        beyond += abs(rng.normal(0, 0.001) - rng.normal(0, 0.001)) > floor.reach()
    assert beyond / trials == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / trials))
