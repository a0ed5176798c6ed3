"""A gain counts when it is beyond the margin and beyond what noise explains."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from golf.config.matrix import SeedRule
from golf.plan.sequential import look
from golf.plan.winner import Bar, Gain, best, gain_of, stacked
from golf.statistics.noise import paired_noise

SCORE = st.floats(0.9, 1.1)


@given(st.lists(st.tuples(SCORE, SCORE), min_size=2, max_size=6, unique=True))
def test_one_row_against_its_base_is_the_paired_t_test(pairs: list[tuple[float, float]]) -> None:
    row, base = (dict(enumerate(side)) for side in zip(*pairs, strict=True))
    differences = [base[s] - row[s] for s in row]
    if max(differences) - min(differences) < 1e-6:
        return
    p = stats.ttest_1samp(differences, 0.0, alternative="greater").pvalue
    found = gain_of("row", "base", {"row": row, "base": base}, Bar(paired_noise([row, base])))
    if abs(p - 0.05) > 1e-6:
        assert found.wins == (p < 0.05)
    assert found.gain == pytest.approx(np.mean(differences))


def test_without_replicates_the_margin_alone_decides() -> None:
    scores = {"row": {1: 0.9975}, "base": {1: 1.0}}
    noise = paired_noise(scores.values())
    assert noise is None
    assert gain_of("row", "base", scores, Bar(noise, 0.002)).wins
    assert not gain_of("row", "base", scores, Bar(noise, 0.003)).wins


def gain(row: str, size: float, fits: bool = True) -> Gain:
    return Gain(row, "base", 3, size, 0.0, 0.01, fits)


def test_the_best_row_that_fits_wins() -> None:
    gains = [gain("a", 0.02), gain("b", 0.05, fits=False), gain("c", 0.03), gain("d", 0.01)]
    assert best(gains).row == "c"
    assert best([gain("d", 0.01)]) is None


def test_winners_are_stacked_one_per_knob_the_largest_gain_first() -> None:
    gains = [gain("a", 0.02), gain("b", 0.05), gain("c", 0.04), gain("d", 0.001)]
    knobs = {"a": {"depth"}, "b": {"bits"}, "c": {"bits", "rope"}, "d": {"tied"}}
    assert stacked(gains, {k: frozenset(v) for k, v in knobs.items()}) == ["b", "a"]


def drawn(truth: dict[str, float], std: float, rng: random.Random):
    """Scores as a row's level, a seed's level and noise; the same whenever they are asked for."""
    seed_level = [rng.gauss(0, 3 * std) for _ in range(9)]
    table = {
        row: {i: mean + seed_level[i] + rng.gauss(0, std) for i in range(9)}
        for row, mean in truth.items()
    }
    return lambda row, n: {i: table[row][i] for i in range(n)}


def test_a_sequential_rule_finds_a_false_winner_in_at_most_one_matrix_of_twenty() -> None:
    """2,000 matrices whose rows gain exactly the margin, so that no winner is a true one."""
    rng, rule = random.Random(7), SeedRule(2, 5, level=0.05, margin=0.002)
    rows = [f"r{i}" for i in range(6)]
    truth = {"base": 1.0} | dict.fromkeys(rows, 1.0 - rule.margin)
    false = 0
    for _ in range(2000):
        looks = look(dict.fromkeys(rows, "base"), drawn(truth, 0.001, rng), rule, len(rows))
        false += any(g.wins for g in looks.gains.values())
    assert 0 < false <= 0.05 * 2000


def test_a_clear_row_is_closed_early_and_an_open_one_gets_every_seed() -> None:
    rng, rule = random.Random(3), SeedRule(2, 6, level=0.05, margin=0.002)
    truth = {"base": 1.0, "clear": 0.9, "worse": 1.1, "close": 0.998, "alike": 1.0}
    parents = dict.fromkeys([n for n in truth if n != "base"], "base")
    looks = look(parents, drawn(truth, 0.0005, rng), rule, 4)
    assert looks.seeds["clear"] == looks.seeds["worse"] < looks.seeds["close"] == 6
    assert looks.gains["clear"].wins
    assert not looks.gains["worse"].wins
    assert looks.open == ()
    rulings = looks.rulings(parents, "post", rule)
    told = {name: (str(r.verdict), r.looks) for name, r in rulings.items()}
    assert told == {
        "clear": ("better", 1), "worse": ("worse", 1), "close": ("within noise", 5),
        "alike": ("below the margin", 2),
    }  # fmt: skip


def test_a_row_that_is_still_open_is_looked_at_over_all_its_seeds_though_its_base_is_closed() -> (
    None
):
    rng, rule = random.Random(3), SeedRule(2, 6, level=0.05, margin=0.002)
    truth = {"base": 1.0, "clear": 0.9, "child": 0.898}
    parents = {"clear": "base", "child": "clear"}
    looks = look(parents, drawn(truth, 0.0005, rng), rule, 2)
    assert (looks.seeds["clear"], looks.seeds["child"]) == (2, 6)
    assert looks.gains["child"].n == 6


def test_a_look_waits_for_scores_that_are_missing() -> None:
    rule = SeedRule(2, 4)
    looks = look({"row": "base"}, lambda row, n: {0: 1.0, 1: 1.1} if n <= 2 else None, rule, 1)
    assert (looks.seeds, looks.open) == ({"row": 3}, ("row",))
    nothing = look({"row": "base"}, lambda row, n: None, rule, 1)
    assert (nothing.seeds, nothing.open, nothing.gains) == ({"row": 2}, ("row",), {})
