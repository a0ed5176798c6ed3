"""What may be said about a table of deltas: correction for many tests, verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum

from golf.frozen import Frozen
from golf.statistics.delta import Delta

ALPHA = 0.05


class Verdict(StrEnum):
    """What a delta amounts to; BELOW and OPEN are said by a rule for seeds alone."""

    BETTER = "better"
    WORSE = "worse"
    BELOW = "below the margin"
    NOISE = "within noise"
    OPEN = "open"
    ONE_SEED = "one seed"


def last_shared(order: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the score that rows are judged by: the last in ``order`` that all of them have.

    Where no score is in all rows it is the one that most have; "" where there is none at all.
    """
    counts = Counter(score for row in rows for score in row)
    return max(counts, key=lambda s: (counts[s], order.index(s)), default="")


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm, 1979), in the given order.

    Comparing each with alpha keeps the chance of a single false finding in all of them at alpha.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = largest
    return corrected


class Judgement(Frozen):
    """A delta with its place among all deltas of a table.

    Attributes:
        p: two-sided p-value; None with one seed.
        p_holm: the same, corrected over the table.
        p_equivalent: of "the difference is at least the margin", corrected over the table; None
            with one seed, or where no margin was given.
    """

    delta: Delta
    p: float | None
    p_holm: float | None
    verdict: Verdict
    p_equivalent: float | None = None


def judge(
    deltas: Sequence[Delta | None],
    alpha: float = ALPHA,
    looks: Sequence[int] | None = None,
    margin: float | None = None,
) -> list[Judgement | None]:
    """Return verdicts on the deltas of one score over one table; None stays None.

    Args:
        deltas: one for each row.
        alpha: the level of a verdict.
        looks: how often the number of seeds behind each was open to choice; p-values are
            multiplied by it (Bonferroni). Once each when left out.
        margin: the difference that equivalence is tested against.
    """
    times = looks or [1] * len(deltas)
    tested = [d.p_two_sided() if d else None for d in deltas]
    corrected = _corrected(tested, times)
    equal = [d.p_equivalent(margin) if d and margin else None for d in deltas]
    equivalent = _corrected(equal, times)
    return [
        Judgement(delta, p, p_holm, _verdict(delta, p_holm, alpha), same) if delta else None
        for delta, p, p_holm, same in zip(deltas, tested, corrected, equivalent, strict=True)
    ]


def _corrected(p_values: Sequence[float | None], times: Sequence[int]) -> list[float | None]:
    """Return p-values times their number of looks, corrected by Holm; None stays None."""
    there = [n * p for p, n in zip(p_values, times, strict=True) if p is not None]
    corrected = iter(holm(there))
    return [None if p is None else next(corrected) for p in p_values]


def _verdict(delta: Delta, p_holm: float | None, alpha: float) -> Verdict:
    if p_holm is None:
        return Verdict.ONE_SEED
    if p_holm >= alpha:
        return Verdict.NOISE
    return Verdict.BETTER if delta.mean < 0 else Verdict.WORSE
