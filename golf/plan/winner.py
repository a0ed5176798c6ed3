"""When a gain counts: pure functions from scores to verdicts.

Scores follow an additive model, a row's level plus a seed's level plus noise, so that seeds pair
the rows. The noise is pooled over all rows of the family. A row beats its base when its mean gain
exceeds the margin by more than the noise explains: a one-sided t test, at a level that is shared
out over the family (Bonferroni) and, for a sequential rule, over its looks. The chance of even one
false winner is then at most the level, whatever the number of rows and looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Scores = Mapping[int, float]  # by seed; lower is better

LEVEL = 0.05
SETTLED = 1e-12  # of the fit: changes below this are rounding
ROUNDS = 200


@dataclass(frozen=True)
class Noise:
    """What is left when row and seed levels are taken out.

    Attributes:
        std: standard deviation of one score; 0 without degrees of freedom.
        degrees: degrees of freedom; 0 when no row has two seeds that another one has too.
    """

    std: float
    degrees: int


@dataclass(frozen=True)
class Bar:
    """What a gain has to clear.

    Attributes:
        noise: of one score; without degrees of freedom the margin alone decides.
        margin: the gain in bits per byte that a row has to exceed.
        tests: rows times looks that share the level.
        level: the chance of any false winner in the family.
    """

    noise: Noise
    margin: float = 0.0
    tests: int = 1
    level: float = LEVEL

    def width(self, n: int) -> float:
        """Return how far beyond the margin a mean over ``n`` seeds has to be."""
        if not self.noise.degrees or not self.noise.std:
            return 0.0
        from scipy.special import stdtrit  # noqa: PLC0415 (start-up: only where scores are judged)

        quantile = float(stdtrit(self.noise.degrees, 1 - self.level / self.tests))
        return quantile * self.noise.std * math.sqrt(2 / n)


@dataclass(frozen=True)
class Gain:
    """A row against its base.

    Attributes:
        n: seeds that both have.
        gain: mean of base - row over them; positive is better.
        margin: the gain that has to be exceeded.
        width: how far beyond the margin noise alone may reach.
        fits: whether every artifact is within the limit.
    """

    row: str
    base: str
    n: int
    gain: float
    margin: float
    width: float
    fits: bool = True

    @property
    def needed(self) -> float:
        return self.margin + self.width

    @property
    def wins(self) -> bool:
        return self.fits and self.gain > self.needed

    @property
    def decided(self) -> bool:
        """Whether the gain lies clearly on one side of the margin."""
        return abs(self.gain - self.margin) > self.width


def gain_of(row: str, base: str, scores: Mapping[str, Scores], bar: Bar, fits: bool = True) -> Gain:
    """Return the gain of ``row`` over ``base``, paired by seed."""
    shared = sorted(scores[row].keys() & scores[base].keys())
    gain = math.fsum(scores[base][s] - scores[row][s] for s in shared) / len(shared)
    return Gain(row, base, len(shared), gain, bar.margin, bar.width(len(shared)), fits)


def best(gains: Sequence[Gain]) -> Gain | None:
    """Return the winner with the largest gain; None when the base stands."""
    return max((g for g in gains if g.wins), key=lambda g: g.gain, default=None)


def stacked(gains: Sequence[Gain], knobs: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the winners that go together, one per knob, the largest gains first."""
    chosen: list[str] = []
    taken: set[str] = set()
    for found in sorted((g for g in gains if g.wins), key=lambda g: -g.gain):
        if not taken & knobs[found.row]:
            chosen.append(found.row)
            taken |= knobs[found.row]
    return chosen


def pooled_noise(table: Sequence[Scores]) -> Noise:
    """Fit row and seed levels by least squares; return what is left.

    Source: two-way layout without interaction; exact for unequal numbers of seeds too.
    """
    rows = [dict(scores) for scores in table if scores]
    seeds = sorted({seed for scores in rows for seed in scores})
    degrees = sum(map(len, rows)) - len(rows) - len(seeds) + _islands(rows, seeds)
    if degrees <= 0:
        return Noise(0.0, 0)
    for _ in range(ROUNDS):
        change = 0.0
        for scores in rows:
            mean = math.fsum(scores.values()) / len(scores)
            for seed in scores:
                scores[seed] -= mean
            change = max(change, abs(mean))
        for seed in seeds:
            column = [scores for scores in rows if seed in scores]
            mean = math.fsum(scores[seed] for scores in column) / len(column)
            for scores in column:
                scores[seed] -= mean
            change = max(change, abs(mean))
        if change < SETTLED:
            break
    squares = math.fsum(value * value for scores in rows for value in scores.values())
    return Noise(math.sqrt(squares / degrees), degrees)


def _islands(rows: Sequence[Scores], seeds: Sequence[int]) -> int:
    """Return into how many groups rows fall that share no seed."""
    left, number = list(rows), 0
    while left:
        number += 1
        reached = set(left.pop(0))
        while joined := [scores for scores in left if reached & scores.keys()]:
            reached |= {seed for scores in joined for seed in scores}
            left = [scores for scores in left if scores not in joined]
    return number
