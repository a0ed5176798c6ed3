"""Means over seeds, sample standard deviations, and judged deltas: the numbers of every table."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from typing import NamedTuple

from golf.frozen import Frozen
from golf.records import ARTIFACT_LIMIT
from golf.report.study import (
    MEASURES,
    ROUNDED_SIZE,
    SCORES,
    SEEDLESS,
    Line,
    Rounded,
    Study,
    StudyRow,
    column_of,
    geometries,
)
from golf.statistics.delta import Delta, by_seed, mean, moments
from golf.statistics.noise import Noise, noise_floor
from golf.statistics.verdict import ALPHA, Judgement, judge, last_shared

SAME_TEXT = 1e-4  # relative difference of scored bytes


class Spread(NamedTuple):
    """A measure over the seeds that have it; None where there is nothing to tell.

    Attributes:
        std: sample standard deviation (n - 1); None for a single seed.
    """

    n: int
    mean: float | None
    std: float | None


class TableRow(Frozen):
    """One row of the table.

    Attributes:
        n: complete seeds.
        spreads: by measure.
        judged: by score, the delta to the parent and what it amounts to.
        largest_bytes: the largest artifact of all seeds, the one that must fit.
        rounded: the same where the source prints rounded sizes alone.
    """

    info: StudyRow
    n: int = 0
    spreads: Mapping[str, Spread] = field(default_factory=dict)
    judged: Mapping[str, Judgement | None] = field(default_factory=dict)
    largest_bytes: int | None = None
    rounded: Rounded | None = None

    @property
    def row(self) -> str:
        return self.info.name

    @property
    def parent(self) -> str:
        return self.info.parent

    @property
    def scores(self) -> tuple[str, ...]:
        """Return the scores that the row has, or is to have when it is done."""
        return self.info.scores or tuple(s for s in SCORES if self.spread(s).n)

    @property
    def fits(self) -> bool | None:
        """Say whether every seed's artifact is within the limit; None when nothing tells."""
        if self.largest_bytes is not None:
            return self.largest_bytes <= ARTIFACT_LIMIT
        if self.rounded and abs(self.rounded.size - ARTIFACT_LIMIT) > self.rounded.off:
            return self.rounded.size < ARTIFACT_LIMIT
        return None

    def spread(self, measure: str) -> Spread:
        return self.spreads.get(measure, NO_SPREAD)

    def mean(self, measure: str) -> float | None:
        return self.spread(measure).mean

    def delta(self, score: str) -> float | None:
        """Return the mean difference to the parent."""
        judgement = self.judged.get(score)
        return judgement.delta.mean if judgement else None


NO_SPREAD = Spread(0, None, None)


class Analysis(Frozen):
    """A study with its arithmetic done.

    Attributes:
        scores: the scores that any row has.
        floors: by score, the spread over seeds pooled over all repeated rows.
        values: by row and seed, every line of the study.
    """

    study: Study
    table: tuple[TableRow, ...]
    scores: tuple[str, ...]
    floors: Mapping[str, Noise | None]
    values: Mapping[str, Mapping[int, Line]]

    @cached_property
    def main_score(self) -> str:
        """Return the score that the table is judged by."""
        return main_score(self.table)

    @property
    def level(self) -> float:
        """Return the corrected p-value below which a row is better or worse."""
        return level_of(self.study)

    def of(self, row: str) -> TableRow:
        return next(r for r in self.table if r.row == row)


def main_score(table: Sequence[TableRow]) -> str:
    """Return the score that rows are judged by: the last that all of them have."""
    return last_shared(SCORES, [row.scores for row in table]) or "post_bpb"


def spread(values: Sequence[float | None]) -> Spread:
    """Return n, mean and sample standard deviation of the values that are there."""
    there = [v for v in values if v is not None and not math.isnan(v)]
    if len(there) < 2:
        return Spread(1, mean(there), None) if there else NO_SPREAD
    centre, variance = moments(there)
    return Spread(len(there), centre, math.sqrt(variance))


def delta_of(mine: Mapping[int, Line], theirs: Mapping[int, Line], measure: str) -> Delta | None:
    """Return row - parent, seed by seed where seeds match; None when either has no value."""
    return by_seed(*comparable(mine, theirs, measure, measure))


def comparable(
    mine: Mapping[int, Line], theirs: Mapping[int, Line], measure: str, their_measure: str
) -> tuple[dict[Hashable, float], dict[Hashable, float]]:
    """Return the values of two rows that may be compared, by what pairs them: the seed.

    Lines without a seed of their own have no partner. Scores of different validation text are not
    comparable: values whose scored bytes differ from their partner's by more than 0.01 % are left
    out.
    """
    reference = next((b for x in theirs.values() if (b := x.get("scored_bytes"))), None)
    kept = {
        _pairing(line, "mine", seed): value
        for seed, line in mine.items()
        if (value := line.get(measure)) is not None
        and _same_text(line, theirs.get(seed, {}), reference)
    }
    base = {
        _pairing(line, "theirs", seed): value
        for seed, line in theirs.items()
        if (value := line.get(their_measure)) is not None
    }
    return kept, base


def _pairing(line: Line, side: str, seed: int) -> Hashable:
    return (side, seed) if line.get(SEEDLESS) else seed


def _same_text(mine: Line, partner: Line, reference: float | None) -> bool:
    seen, wanted = mine.get("scored_bytes"), partner.get("scored_bytes") or reference
    return not seen or not wanted or abs(seen - wanted) <= SAME_TEXT * wanted


def analyze(study: Study) -> Analysis:
    """Return the table of a study, rows in their order, with every delta judged."""
    values: dict[str, dict[int, Line]] = {row.name: {} for row in study.rows}
    for line in study.lines:
        values[line["row"]][line["seed"]] = line
    scores = tuple(s for s in SCORES if any(x.get(s) is not None for x in study.lines))
    names = (*SCORES, *(second_score(study, s) for s in SCORES if study.budgets))
    judged = {s: _judge(study, values, s) for s in names}
    measures = (*MEASURES, *geometries(study.lines), *study.others)
    table = []
    for i, row in enumerate(study.rows):
        mine = list(values[row.name].values())
        sizes = [float(x["artifact_bytes"]) for x in mine if x.get("artifact_bytes") is not None]
        table.append(
            TableRow(
                info=row,
                n=sum(bool(line["complete"]) for line in mine),
                spreads={m: spread([line.get(m) for line in mine]) for m in measures},
                judged={s: judged[s][i] for s in names},
                largest_bytes=math.ceil(max(sizes)) if sizes else None,
                rounded=max((x[ROUNDED_SIZE] for x in mine if ROUNDED_SIZE in x), default=None),
            )
        )
    floors = {s: _floor(values, s) for s in names}
    return Analysis(study, tuple(table), scores, floors, values)


def second_score(study: Study, score: str) -> str:
    """Return the column of a score under the second budget."""
    return f"{score} {study.budgets[1]}"


def level_of(study: Study) -> float:
    """Return the level of the study's verdicts."""
    return study.ruled.rule.level if study.ruled else ALPHA


def _judge(
    study: Study, values: Mapping[str, Mapping[int, Line]], score: str
) -> list[Judgement | None]:
    """Judge every row; where a rule for seeds looked at this score, its word stands."""
    deltas = [
        delta_of(values[r.name], values[r.parent], score) if r.parent in values else None
        for r in study.rows
    ]
    ruled = study.ruled
    if ruled is None:
        return judge(deltas, margin=study.margin)
    rulings = [ruled.rulings.get(r.name) for r in study.rows]
    looks = [ruled.rule.looks if ruling else 1 for ruling in rulings]
    judged = judge(deltas, level_of(study), looks, study.margin)
    return [
        replace(found, p=None, p_holm=None, verdict=ruling.verdict)
        if found and ruling and column_of(ruling.by) == score
        else found
        for found, ruling in zip(judged, rulings, strict=True)
    ]


def _floor(values: Mapping[str, Mapping[int, Line]], score: str) -> Noise | None:
    """Pool the spread of every repeated row; rows that share all their values count once."""
    groups = {
        tuple(float(x[score]) for x in lines.values() if x.get(score) is not None)
        for lines in values.values()
    }
    return noise_floor(groups)
