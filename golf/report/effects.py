"""Main effects, interactions and shares of variance, where the design of the table allows them.

A pair of factors is *crossed* when the table has a row for every pair of their values, all else
as in the first row. A table whose rows are all combinations of several factors is a full
factorial; there the variance between rows splits exactly into the factors' parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

from golf.config.values import format_value
from golf.frozen import Frozen
from golf.report.study import SAID, SEEDLESS
from golf.report.table import Analysis, TableRow
from golf.report.tables.shape import Table, interval, p_value, score, signed, table_of
from golf.statistics.delta import Delta, crossed, crossed_apart, mean

Combination = tuple[Any, ...]


class Interaction(Frozen):
    """What the second factor changes about the effect of the first, bits per byte.

    Attributes:
        values: the two values of each factor, the first row's first.
        contrast: (both - second) - (first - neither); 0 when the effects add up.
    """

    factors: tuple[str, str]
    values: tuple[tuple[Any, Any], tuple[Any, Any]]
    contrast: Delta


class MainEffect(Frozen):
    """A factor of a full factorial.

    Attributes:
        means: mean score at each value, over all values of the other factors.
        share: its share of the variance between rows; the shares of all factors add up to at
            most 1, the rest is interaction.
    """

    factor: str
    means: Mapping[Any, float]
    share: float

    @property
    def span(self) -> float:
        return max(self.means.values()) - min(self.means.values())


def varied(analysis: Analysis) -> dict[str, dict[str, Any]]:
    """Return, by row, the settings in which it differs from the first row.

    Only settings that some row writes down; what follows from them does not count.
    """
    written = {name for row in analysis.table for name in row.info.own}
    root = analysis.table[0].info.settings
    return {
        row.row: {
            n: row.info.settings[n]
            for n in written
            if n in row.info.settings and row.info.settings[n] != root.get(n)
        }
        for row in analysis.table
        if row.mean(analysis.main_score) is not None
    }


def _crossed(
    analysis: Analysis, factors: Sequence[str]
) -> tuple[list[list[Any]], dict[Combination, TableRow]] | None:
    """Return the values of each factor and the row of each combination, if all are there."""
    root = analysis.table[0].info.settings
    by_name = {r.row: r for r in analysis.table}
    cells: dict[Combination, TableRow] = {}
    for name, differs in varied(analysis).items():
        if set(differs) <= set(factors):
            key = tuple(differs.get(f, root.get(f)) for f in factors)
            cells.setdefault(key, by_name[name])
    levels = [list(dict.fromkeys(key[i] for key in cells)) for i in range(len(factors))]
    whole = all(key in cells for key in product(*levels))
    return (levels, cells) if whole and all(len(v) > 1 for v in levels) else None


def main_effects(analysis: Analysis) -> list[MainEffect]:
    """Return every factor's effect, the largest share first; empty unless fully crossed."""
    factors = sorted({n for differs in varied(analysis).values() for n in differs})
    found = _crossed(analysis, factors) if len(factors) > 1 else None
    if found is None or len(found[1]) != len(varied(analysis)):
        return []
    levels, cells = found
    scores = {k: r.mean(analysis.main_score) or 0.0 for k, r in cells.items()}
    grand = mean(list(scores.values()))
    total = sum((v - grand) ** 2 for v in scores.values())
    effects = []
    for i, factor in enumerate(factors):
        means = {
            level: mean([v for k, v in scores.items() if k[i] == level]) for level in levels[i]
        }
        squares = sum((means[k[i]] - grand) ** 2 for k in scores)
        effects.append(MainEffect(factor, means, squares / total if total else 0.0))
    return sorted(effects, key=lambda e: -e.share)


def interactions(analysis: Analysis) -> list[Interaction]:
    """Return the contrast of every crossed pair of factors, at every pair of values."""
    differs = varied(analysis)
    pairs = {
        pair for row in differs.values() for pair in combinations(sorted(row), 2) if len(row) == 2
    }
    found = []
    for pair in sorted(pairs):
        crossed = _crossed(analysis, pair)
        if crossed:
            found += list(_contrasts(analysis, pair, *crossed))
    return found


def _contrasts(
    analysis: Analysis,
    pair: tuple[str, str],
    levels: list[list[Any]],
    cells: dict[Combination, TableRow],
) -> Iterator[Interaction]:
    (a0, *others), (b0, *more) = levels
    for a, b in product(others, more):
        corners = [cells[k] for k in ((a, b), (a, b0), (a0, b), (a0, b0))]
        contrast = _contrast(analysis, corners)
        if contrast:
            yield Interaction(pair, ((a0, a), (b0, b)), contrast)


def _contrast(analysis: Analysis, corners: Sequence[TableRow]) -> Delta | None:
    """Return the contrast over the seeds that all four rows have; over all where none has seeds."""
    name = analysis.main_score
    lines = [analysis.values[r.row] for r in corners]
    scored = [{s: x[name] for s, x in row.items() if x.get(name) is not None} for row in lines]
    if all(scored) and all(x.get(SEEDLESS) for row in lines for x in row.values()):
        return crossed_apart([list(values.values()) for values in scored])
    seeds = [s for s in scored[0] if all(s in c for c in scored)]
    return crossed([[values[s] for s in seeds] for values in scored]) if seeds else None


def effect_tables(analysis: Analysis) -> Iterator[Table]:
    """Yield the tables of main effects and interactions that the design allows."""
    effects = [
        {
            "Factor": e.factor,
            "Mean score by value": ", ".join(
                f"{format_value(v)}: {score(m)}" for v, m in e.means.items()
            ),
            "Span": score(e.span),
            "Share of variance": f"{e.share:.0%}",
        }
        for e in main_effects(analysis)
    ]
    kind = f"{SAID[analysis.main_score]} scores"
    notes = (f"All combinations were run: the shares are of the variance of {kind} between rows.",)
    pairs = [
        {
            "Factors": " × ".join(i.factors),
            "From": ", ".join(format_value(v[0]) for v in i.values),
            "To": ", ".join(format_value(v[1]) for v in i.values),
            "n": str(i.contrast.n),
            "Interaction": signed(i.contrast.mean),
            "95 % interval": interval(i.contrast.interval()),
            "p": p_value(i.contrast.p_two_sided()),
        }
        for i in interactions(analysis)
    ]
    meaning = (
        f"What both changes together do to {kind} beyond the sum of each alone; 0 when they add "
        "up.",
    )
    for table in (
        table_of("effects", "Main effects", effects, 2, notes),
        table_of("interactions", "Interactions", pairs, 3, meaning),
    ):
        if table:
            yield table
