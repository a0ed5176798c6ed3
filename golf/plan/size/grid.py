"""A normal weight on a symmetric grid: its entropy, and where clip rules put the grid's ends.

All lengths are in standard deviations of a row.
"""

from __future__ import annotations

import math
from functools import cache
from statistics import NormalDist

from golf.config.coding import SEARCHED_QUANTILES, levels

NORMAL = NormalDist()
UNIFORM_END = math.sqrt(3.0)  # a uniform distribution of variance 1 ends here


@cache
def normal_bits(step: float, most: int) -> float:
    """Return the entropy of a standard normal number rounded to ``step``, clipped at ``most``."""
    edges = [NORMAL.cdf((i + 0.5) * step) for i in range(most)]
    return _entropy([1.0 - sum_ for sum_ in edges])


@cache
def uniform_bits(step: float, most: int) -> float:
    """Return the entropy of a uniform number of variance 1 on the same grid."""
    tails = [max(0.0, 0.5 - (i + 0.5) * step / (2 * UNIFORM_END)) for i in range(most)]
    return _entropy(tails)


def _entropy(tails: list[float]) -> float:
    """Return bits from the share above each positive edge of a symmetric distribution."""
    inner = [a - b for a, b in zip(tails, [*tails[1:], 0.0], strict=True)]
    shares = [1.0 - 2.0 * tails[0] if tails else 1.0, *inner, *inner]
    return -sum(p * math.log2(p) for p in shares if p > 0)


@cache
def largest(columns: int, quantile: float) -> float:
    """Return the expected quantile of the absolute values of a normal row (Blom's positions)."""
    place = quantile * (columns - 1) + 1
    return NORMAL.inv_cdf(0.5 + 0.5 * (place - 0.375) / (columns + 0.25))


@cache
def searched(columns: int, bits: int) -> float:
    """Return the end of the grid that moves a normal row least among the searched quantiles."""
    ends = [largest(columns, q) for q in SEARCHED_QUANTILES]
    return min(ends, key=lambda end: _squared_error(end, bits))


def _squared_error(end: float, bits: int) -> float:
    """Return rounding noise within the grid and the clipped tails beyond it."""
    tail = 2 * ((1 + end * end) * (1 - NORMAL.cdf(end)) - end * NORMAL.pdf(end))
    return (end / levels(bits)) ** 2 / 12 + tail


def alike_bits(step: float, most: int) -> float:
    """Return what an entry saves whose row is stored as its difference from a very similar one.

    Rows that differ by ``NEARLY`` of their size still differ by the rounding of both.
    """
    left = math.sqrt(NEARLY**2 + step**2 / 6)
    return max(0.0, normal_bits(step, most) - normal_bits(step / left, most))


NEARLY = 0.03
