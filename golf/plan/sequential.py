"""How many seeds a row needs: more are drawn while it is not told apart from its parent.

At every look each open row is tested against its parent at the level divided by all rows and all
looks (Bonferroni), so that the chance of even one false winner, over the whole matrix and however
long it is looked at, is at most the level. A row is closed as soon as its gain lies clearly on one
side of the margin; only open rows get another seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from golf.config.matrix import BASELINE, Matrix, SeedRule
from golf.frozen import Frozen
from golf.plan.winner import Bar, Gain, Scores, gain_of
from golf.statistics.noise import paired_noise
from golf.statistics.verdict import Verdict

FirstScores = Callable[[str, int], Scores | None]  # a row's first scores; None while one is missing


class Ruling(Frozen):
    """What the rule says of a row.

    Attributes:
        base: the row that it is compared with.
        by: the measure that is looked at: ``pre``, ``post`` or ``ttt``.
        looks: how often the row was tested.
        left: how often it could be tested once more.
        gain: what the last look found; None before the first one.
    """

    base: str
    by: str
    looks: int
    left: int
    gain: Gain | None

    @property
    def verdict(self) -> Verdict:
        """A row is better where its gain exceeds the margin, worse where it is a loss."""
        gain = self.gain
        if gain and gain.wins:
            return Verdict.BETTER
        if gain and gain.gain < -gain.width:
            return Verdict.WORSE
        if gain and gain.decided:
            return Verdict.BELOW
        return Verdict.OPEN if self.left else Verdict.NOISE


class Ruled(Frozen):
    """A matrix whose seeds follow a rule.

    Attributes:
        rows: how many rows share the rule's level.
        rulings: by row; rows with seeds of their own are left out.
    """

    rule: SeedRule
    rows: int
    rulings: Mapping[str, Ruling]


class Looks(Frozen):
    """How far the rule has come.

    Attributes:
        seeds: how many seeds each row has got so far.
        gains: what the last look at each row found; rows without a look are left out.
        taken: how often each row was looked at; rows without a look are left out.
        open: rows that may get more seeds once the scores of these are there.
    """

    seeds: Mapping[str, int]
    gains: Mapping[str, Gain]
    taken: Mapping[str, int]
    open: tuple[str, ...] = ()

    def rulings(self, parents: Mapping[str, str], by: str, rule: SeedRule) -> dict[str, Ruling]:
        """Return what is said of each row so far, judged by the measure ``by``."""
        taken = {row: self.taken.get(row, 0) for row in parents}
        return {
            row: Ruling(base, by, taken[row], rule.looks - taken[row], self.gains.get(row))
            for row, base in parents.items()
        }


def look(parents: Mapping[str, str], scores: FirstScores, rule: SeedRule, rows: int) -> Looks:
    """Go through the looks as far as there are scores.

    Args:
        parents: the rows that are looked at together, each with the row it is compared with.
        scores: where their scores are read.
        rule: the least and most seeds, the level and the margin.
        rows: rows of the whole matrix, which share the level.
    """
    tests = rows * rule.looks
    seeds = dict.fromkeys(parents, rule.least)
    gains: dict[str, Gain] = {}
    taken: dict[str, int] = {}
    undecided = tuple(parents)
    for number in range(rule.least, rule.most + 1):
        seeds |= dict.fromkeys(undecided, number)
        bases = dict.fromkeys((parents[row] for row in undecided), number)
        wanted = dict.fromkeys(parents.values(), number) | seeds | bases
        found = {name: scores(name, n) for name, n in wanted.items()}
        table = {name: known for name, known in found.items() if known is not None}
        if len(table) < len(found):
            return Looks(seeds, gains, taken, undecided if number < rule.most else ())
        bar = Bar(paired_noise(table.values()), rule.margin, tests, rule.level)
        gains |= {row: gain_of(row, parents[row], table, bar) for row in undecided}
        taken |= dict.fromkeys(undecided, number - rule.least + 1)
        undecided = tuple(row for row in undecided if not gains[row].decided)
    return Looks(seeds, gains, taken)


def sharing(matrix: Matrix) -> int:
    """Return how many rows share the level: those of the file, and those that waves add."""
    added = [w for w in matrix.waves if w.combine or w.winner_of.endswith((".yaml", ".yml"))]
    return len(matrix.drafts) + len(added)


def ruled(matrix: Matrix, rulings: Mapping[str, Ruling], baseline: str) -> Ruled | None:
    """Return what the rule of a matrix says, with the baseline under its own name."""
    if matrix.seed_rule is None:
        return None
    named = {
        row: replace(found, base=baseline) if found.base == BASELINE else found
        for row, found in rulings.items()
    }
    return Ruled(matrix.seed_rule, sharing(matrix), named)
