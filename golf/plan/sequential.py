"""How many seeds a row needs: more are drawn while it is not told apart from its parent.

At every look each open row is tested against its parent at the level divided by all rows and all
looks (Bonferroni), so that the chance of even one false winner, over the whole matrix and however
long it is looked at, is at most the level. A row is closed as soon as its gain lies clearly on one
side of the margin; only open rows get another seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from golf.config.matrix import SeedRule
from golf.frozen import Frozen
from golf.plan.winner import Bar, Gain, Scores, gain_of
from golf.statistics.noise import paired_noise

FirstScores = Callable[[str, int], Scores | None]  # a row's first scores; None while one is missing


class Looks(Frozen):
    """How far the rule has come.

    Attributes:
        seeds: how many seeds each row has got so far.
        gains: what the last look at each row found; rows without a look are left out.
        open: rows that may get more seeds once the scores of these are there.
    """

    seeds: Mapping[str, int]
    gains: Mapping[str, Gain]
    open: tuple[str, ...] = ()


def look(parents: Mapping[str, str], scores: FirstScores, rule: SeedRule, rows: int) -> Looks:
    """Go through the looks as far as there are scores.

    Args:
        parents: the rows that are looked at together, each with the row it is compared with.
        scores: where their scores are read.
        rule: the least and most seeds, the level and the margin.
        rows: rows of the whole matrix, which share the level.
    """
    tests = rows * (rule.most - rule.least + 1)
    seeds = dict.fromkeys(parents, rule.least)
    gains: dict[str, Gain] = {}
    undecided = tuple(parents)
    for number in range(rule.least, rule.most + 1):
        seeds |= dict.fromkeys(undecided, number)
        wanted = dict.fromkeys(parents.values(), number) | seeds
        found = {name: scores(name, n) for name, n in wanted.items()}
        table = {name: known for name, known in found.items() if known is not None}
        if len(table) < len(found):
            return Looks(seeds, gains, undecided if number < rule.most else ())
        bar = Bar(paired_noise(table.values()), rule.margin, tests, rule.level)
        gains |= {row: gain_of(row, parents[row], table, bar) for row in undecided}
        undecided = tuple(row for row in undecided if not gains[row].decided)
    return Looks(seeds, gains)
