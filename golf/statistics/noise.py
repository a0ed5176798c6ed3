"""How far chance alone moves a score: one standard deviation, pooled over repeated rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from golf.frozen import Frozen
from golf.statistics import student
from golf.statistics.delta import mean, variance

SETTLED = 1e-12  # of the fit: changes below this are rounding
ROUNDS = 200


class Noise(Frozen):
    """The spread of scores that is left when what explains them is taken out.

    Attributes:
        std: standard deviation of one score.
        df: degrees of freedom, at least 1.
    """

    std: float
    df: int

    def reach(self, n: int = 1, n_baseline: int = 1, tail: float = 0.025) -> float:
        """Return the difference of two means that chance exceeds with probability ``tail``.

        Either way it is exceeded twice as often: the default is the 95 % interval's half width.
        """
        if not self.std:
            return 0.0
        factor = student.quantile(1 - tail, self.df)
        return factor * self.std * math.sqrt(1 / n + 1 / n_baseline)


def noise_floor(rows: Iterable[Sequence[float]]) -> Noise | None:
    """Return the spread over seeds, pooled over the rows; None when no row was repeated."""
    repeated = [values for values in rows if len(values) >= 2]
    df = sum(len(values) - 1 for values in repeated)
    if not df:
        return None
    squares = math.fsum((len(v) - 1) * variance(v) for v in repeated)
    return Noise(math.sqrt(squares / df), df)


def paired_noise(table: Iterable[Mapping[int, float]]) -> Noise | None:
    """Return the spread around row and seed levels; None when no two rows share two seeds.

    Seeds pair the rows: what a seed does to all of them is no noise of their differences. Fits
    the levels by least squares, exact for unequal numbers of seeds too.

    Args:
        table: scores by seed of each row.

    Source: two-way layout without interaction.
    """
    rows = [dict(scores) for scores in table if scores]
    seeds = sorted({seed for scores in rows for seed in scores})
    df = sum(map(len, rows)) - len(rows) - len(seeds) + _islands(rows)
    if df <= 0:
        return None
    for _ in range(ROUNDS):
        change = 0.0
        for scores in rows:
            change = max(change, _centre([(scores, seed) for seed in scores]))
        for seed in seeds:
            change = max(change, _centre([(scores, seed) for scores in rows if seed in scores]))
        if change < SETTLED:
            break
    squares = math.fsum(value * value for scores in rows for value in scores.values())
    return Noise(math.sqrt(squares / df), df)


def _centre(places: Sequence[tuple[dict[int, float], int]]) -> float:
    """Take the mean of these scores out of them; return its size."""
    level = mean([scores[seed] for scores, seed in places])
    for scores, seed in places:
        scores[seed] -= level
    return abs(level)


def _islands(rows: Sequence[Mapping[int, float]]) -> int:
    """Return into how many groups rows fall that share no seed."""
    left, number = list(rows), 0
    while left:
        number += 1
        reached = set(left.pop(0))
        while joined := [scores for scores in left if reached & scores.keys()]:
            reached |= {seed for scores in joined for seed in scores}
            left = [scores for scores in left if scores not in joined]
    return number
