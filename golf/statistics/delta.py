"""A difference of two means, with what is needed to judge it.

Lower scores are better throughout: a *delta* is candidate minus baseline, a *gain* its negative.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import Literal

from golf.frozen import Frozen
from golf.statistics import student

Test = Literal["paired", "welch", "one-sample", "none"]


class Delta(Frozen):
    """Candidate minus baseline, in the unit of the values.

    Attributes:
        test: ``paired`` by seed, ``welch``, ``one-sample`` against a fixed number, or ``none``
            where there are too few values to test anything.
        n: candidate values that entered.
        n_baseline: baseline values that entered; 0 against a fixed number.
        mean: difference of the means.
        std_error: standard error of ``mean``; None when untested.
        df: degrees of freedom; None when untested.
    """

    test: Test
    n: int
    n_baseline: int
    mean: float
    std_error: float | None = None
    df: float | None = None

    def t(self, margin: float = 0.0) -> float | None:
        """Return (gain - margin) / standard error: positive where the gain exceeds ``margin``."""
        if self.std_error is None:
            return None
        excess = -self.mean - margin
        if self.std_error == 0:
            return math.copysign(math.inf, excess) if excess else 0.0
        return excess / self.std_error

    def p_gain(self, margin: float = 0.0) -> float | None:
        """Return the one-sided p-value of "the gain is at most ``margin``"."""
        return self._tail(self.t(margin))

    def p_two_sided(self) -> float | None:
        """Return the p-value of "there is no difference"."""
        t = self.t()
        above = self._tail(None if t is None else abs(t))
        return None if above is None else min(1.0, 2 * above)

    def _tail(self, t: float | None) -> float | None:
        return None if t is None or self.df is None else student.tail(t, self.df)

    def half_width(self, confidence: float = 0.95) -> float | None:
        """Return half the width of the confidence interval of ``mean``."""
        if self.std_error is None or self.df is None:
            return None
        return student.quantile((1 + confidence) / 2, self.df) * self.std_error

    def interval(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """Return the confidence interval of ``mean``."""
        half = self.half_width(confidence)
        return None if half is None else (self.mean - half, self.mean + half)

    def p_equivalent(self, margin: float) -> float | None:
        """Return the p-value of "the difference is at least ``margin``", either way.

        Two one-sided tests; the larger p-value counts (Schuirmann, 1987).
        """
        if self.std_error is None:
            return None
        too_good, too_bad = self.p_gain(margin), self.p_gain(-margin)
        assert too_good is not None
        assert too_bad is not None
        return max(1 - too_good, too_bad)


def mean(values: Sequence[float]) -> float:
    """Return the mean, summed without rounding."""
    return math.fsum(values) / len(values)


def moments(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the sample variance (n - 1)."""
    centre = mean(values)
    return centre, math.fsum([(v - centre) ** 2 for v in values]) / (len(values) - 1)


def variance(values: Sequence[float]) -> float:
    """Return the sample variance (n - 1)."""
    return moments(values)[1]


def rounding_variance(values: Sequence[float]) -> float:
    """Return the variance that printing with so few decimals hides, u^2 / 12.

    Three equal numbers with four decimals do not prove a spread of zero. For numbers at full
    precision this is nothing.
    """
    decimals = max(map(_decimals_of, values))
    return float(10.0 ** (-2 * decimals) / 12)


def _decimals_of(value: float) -> int:
    return value.decimals if isinstance(value, Printed) else _decimals(repr(float(value)))


class Printed(float):
    """A number that knows how many decimals it was printed with; 1.1000 has four.

    Raises:
        ValueError: the text is no number.
    """

    decimals: int

    def __new__(cls, text: str) -> Printed:
        number = super().__new__(cls, text)
        number.decimals = _decimals(text.strip().lower())
        return number


@cache
def _decimals(text: str) -> int:
    if "e" not in text:
        return len(text) - 1 - text.index(".") if "." in text else 0
    digits, _, exponent = text.partition("e")
    return max(len(digits.partition(".")[2]) - int(exponent), 0)


def paired(candidate: Sequence[float], baseline: Sequence[float]) -> Delta:
    """Return the mean of the differences of pairs, by Student's t with n - 1 degrees of freedom."""
    differences = [c - b for c, b in zip(candidate, baseline, strict=True)]
    n = len(differences)
    if n < 2:
        return Delta("none", n, n, mean(differences))
    centre, spread = moments(differences)
    hidden = 2 * rounding_variance([*candidate, *baseline])
    return Delta("paired", n, n, centre, math.sqrt(max(spread, hidden) / n), n - 1.0)


def crossed(corners: Sequence[Sequence[float]]) -> Delta:
    """Return (both - second) - (first - neither), tested against zero.

    Args:
        corners: values with both changes, the second, the first, neither; number by number of
            the same seed.
    """
    values = [a - b - (c - d) for a, b, c, d in zip(*corners, strict=True)]
    n = len(values)
    if n < 2:
        return Delta("none", n, 0, mean(values))
    centre, spread = moments(values)
    hidden = len(corners) * rounding_variance([v for corner in corners for v in corner])
    return Delta("one-sample", n, 0, centre, math.sqrt(max(spread, hidden) / n), n - 1.0)


def crossed_apart(corners: Sequence[Sequence[float]]) -> Delta:
    """Return the same where nothing pairs the values, with Welch's degrees of freedom."""
    both, second, first, neither = map(mean, corners)
    centre, n = both - second - (first - neither), min(map(len, corners))
    if n < 2:
        return Delta("none", n, 0, centre)
    hidden = rounding_variance([v for corner in corners for v in corner])
    sides = [sample(corner, hidden) for corner in corners]
    error, df = _welch_error(sides)
    return Delta("welch", n, 0, centre, error, df)


def _welch_error(sides: Sequence[Sample]) -> tuple[float, float]:
    """Return the standard error of a sum of means, with its degrees of freedom (Welch, 1947)."""
    parts = [side.variance / side.n for side in sides]
    scale = sum(p**2 / (side.n - 1) for p, side in zip(parts, sides, strict=True))
    free = sum(side.n for side in sides) - len(sides)
    return math.sqrt(sum(parts)), sum(parts) ** 2 / scale if scale else float(free)


class Sample(Frozen):
    """What a test has to know of a side: how many values, their mean and sample variance."""

    n: int
    mean: float
    variance: float


def sample(values: Sequence[float], hidden: float) -> Sample:
    """Return what is known of some values; their variance is at least ``hidden``."""
    if len(values) < 2:
        return Sample(len(values), mean(values), 0.0)
    centre, spread = moments(values)
    return Sample(len(values), centre, max(spread, hidden))


def welch(candidate: Sequence[float], baseline: Sequence[float]) -> Delta:
    """Return the difference of two independent means (Welch, 1947)."""
    hidden = rounding_variance([*candidate, *baseline])
    return welch_of(sample(candidate, hidden), sample(baseline, hidden))


def welch_of(candidate: Sample, baseline: Sample) -> Delta:
    """Return the same from means and variances alone, as tables publish them."""
    n, m = candidate.n, baseline.n
    centre = candidate.mean - baseline.mean
    if min(n, m) < 2:
        return Delta("none", n, m, centre)
    return Delta("welch", n, m, centre, *_welch_error((candidate, baseline)))


def one_sample(candidate: Sequence[float], fixed: float) -> Delta:
    """Return the mean minus a number without a spread of its own."""
    n = len(candidate)
    if n < 2:
        return Delta("none", n, 0, mean(candidate) - fixed)
    centre, spread = moments(candidate)
    error = math.sqrt(max(spread, rounding_variance(candidate)) / n)
    return Delta("one-sample", n, 0, centre - fixed, error, n - 1.0)


def by_seed(
    candidate: Mapping[Hashable, float], baseline: Mapping[Hashable, float]
) -> Delta | None:
    """Return the delta of two rows: paired where seeds match, Welch where not.

    Two shared seeds or more are compared pair by pair, over these seeds alone. With one shared
    seed a row that has no other is compared on it; otherwise all values enter unpaired. None
    when a side is empty.
    """
    shared = [seed for seed in candidate if seed in baseline]
    if len(shared) >= 2 or (shared and min(len(candidate), len(baseline)) == 1):
        return paired([candidate[s] for s in shared], [baseline[s] for s in shared])
    if candidate and baseline:
        return welch(list(candidate.values()), list(baseline.values()))
    return None
