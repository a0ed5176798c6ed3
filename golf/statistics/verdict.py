"""What may be said about a table of deltas: correction for many tests, verdicts, noise floor."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy.special import stdtrit

from golf.statistics.delta import Delta, variance

ALPHA = 0.05


class Verdict(StrEnum):
    """What a delta amounts to."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "within noise"
    ONE_SEED = "one seed"


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


@dataclass(frozen=True)
class Judgement:
    """A delta with its place among all deltas of a table.

    Attributes:
        p: two-sided p-value; None with one seed.
        p_holm: the same, corrected over the table.
    """

    delta: Delta
    p: float | None
    p_holm: float | None
    verdict: Verdict


def judge(deltas: Sequence[Delta | None], alpha: float = ALPHA) -> list[Judgement | None]:
    """Return verdicts on the deltas of one score over one table; None stays None."""
    tested = [d.p_two_sided() if d else None for d in deltas]
    corrected = iter(holm([p for p in tested if p is not None]))
    found: list[Judgement | None] = []
    for delta, p in zip(deltas, tested, strict=True):
        if delta is None:
            found.append(None)
            continue
        p_holm = None if p is None else next(corrected)
        found.append(Judgement(delta, p, p_holm, _verdict(delta, p_holm, alpha)))
    return found


def _verdict(delta: Delta, p_holm: float | None, alpha: float) -> Verdict:
    if p_holm is None:
        return Verdict.ONE_SEED
    if p_holm >= alpha:
        return Verdict.NOISE
    return Verdict.BETTER if delta.mean < 0 else Verdict.WORSE


@dataclass(frozen=True)
class NoiseFloor:
    """The spread over seeds, pooled over every row that was repeated.

    Attributes:
        std: pooled sample standard deviation of one value.
        df: degrees of freedom: values minus rows.
    """

    std: float
    df: int

    def smallest(self, n: int = 1, n_baseline: int = 1, confidence: float = 0.95) -> float:
        """Return the smallest difference of two means that seeds alone do not explain."""
        factor = float(stdtrit(self.df, (1 + confidence) / 2))
        return factor * self.std * math.sqrt(1 / n + 1 / n_baseline)


def noise_floor(rows: Iterable[Sequence[float]]) -> NoiseFloor | None:
    """Return the noise floor of a table; None when no row was repeated."""
    repeated = [values for values in rows if len(values) >= 2]
    df = sum(len(values) - 1 for values in repeated)
    if not df:
        return None
    squares = math.fsum((len(v) - 1) * variance(v) for v in repeated)
    return NoiseFloor(math.sqrt(squares / df), df)
