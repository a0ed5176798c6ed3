"""When a gain counts: pure functions from scores to verdicts.

Scores follow an additive model, a row's level plus a seed's level plus noise, so that seeds pair
the rows. The noise is pooled over all rows of the family. A row beats its base when its mean gain
exceeds the margin by more than the noise explains: a one-sided t test, at a level that is shared
out over the family (Bonferroni) and, for a sequential rule, over its looks. The chance of even one
false winner is then at most the level, whatever the number of rows and looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from golf.frozen import Frozen
from golf.statistics.delta import mean
from golf.statistics.noise import Noise

Scores = Mapping[int, float]  # by seed; lower is better

LEVEL = 0.05


class Bar(Frozen):
    """What a gain has to clear.

    Attributes:
        noise: of one score; None where nothing was repeated: the margin alone decides.
        margin: the gain in bits per byte that a row has to exceed.
        tests: rows times looks that share the level.
        level: the chance of any false winner in the family.
    """

    noise: Noise | None
    margin: float = 0.0
    tests: int = 1
    level: float = LEVEL

    def width(self, n: int) -> float:
        """Return how far beyond the margin a mean over ``n`` seeds has to be."""
        return self.noise.reach(n, n, self.level / self.tests) if self.noise else 0.0


class Gain(Frozen):
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
    gain = mean([scores[base][s] - scores[row][s] for s in shared])
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
