"""How many seeds would resolve a difference, at the noise seen so far."""

from __future__ import annotations

from golf.errors import fail
from golf.plan.graph import Plan
from golf.plan.jury import FinishedBook, measure_of, scores_of
from golf.statistics import student
from golf.statistics.noise import Noise, paired_noise

LEVEL = 0.05  # two-sided
POWER = 0.8
MOST_SEEDS = 10_000


def noise_of(plan: Plan) -> tuple[str, Noise]:
    """Return the measure and its noise, pooled over all rows that have results.

    Raises:
        GolfError: no row has results for two seeds that another row has too.
    """
    book = FinishedBook(plan)
    by = measure_of(book, plan.rows.rows)
    noise = paired_noise([scores_of(book, row, by) for row in plan.rows.rows])
    if noise is None:
        hint = "run two rows or more with the same two seeds or more"
        raise fail("the noise is not known yet", hint, str(plan.rows.matrix.path))
    return by, noise


def seeds_for(difference: float, std: float) -> int:
    """Return the seeds a row needs so that a difference is found four times out of five.

    Both rows get as many; the test is two-sided at 0.05. Iterates n = 2 s^2 (t_a + t_b)^2 / d^2
    with the degrees of freedom of n seeds.
    """
    for n in range(2, MOST_SEEDS):
        quantiles = sum(student.quantile(p, n - 1) for p in (1 - LEVEL / 2, POWER))
        if n >= 2 * (std * quantiles / difference) ** 2:
            return n
    return MOST_SEEDS


def power_lines(plan: Plan, difference: float) -> list[str]:
    """Say how many seeds would resolve ``difference`` bits per byte."""
    by, noise = noise_of(plan)
    number = seeds_for(difference, noise.std)
    few = f"{number:,}" if number < MOST_SEEDS else f"more than {MOST_SEEDS:,}"
    return [
        f"noise of one {by} score: {noise.std:.5f} bits per byte ({noise.df} degrees of "
        "freedom, pooled over rows, seeds paired)",
        f"{few} seeds a row would resolve {difference:g} bits per byte, four times out of five, "
        "at p < 0.05 (two-sided, one comparison)",
    ]
