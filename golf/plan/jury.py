"""Rows of one family judged by the scores that are there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from golf.config.matrix import Wave, WinnerRule
from golf.errors import fail
from golf.plan.graph import Cell, Plan
from golf.plan.outcome import Outcome
from golf.plan.results import fits, score_of
from golf.plan.row import Row
from golf.plan.winner import Bar, Gain, Scores, best, gain_of
from golf.records import RunPaths
from golf.statistics.noise import Noise, paired_noise
from golf.statistics.verdict import last_shared


class Rowbook(Protocol):
    """Where rows and their cells are looked up."""

    paths: RunPaths

    def row(self, name: str) -> Row:
        """Return the row called ``name``."""

    def cell(self, row: Row, seed: int) -> Cell:
        """Return a row's cell for one seed."""


class Jury:
    """Judges by one rule, which is asked for at ``where``."""

    def __init__(self, book: Rowbook, rule: WinnerRule, where: str) -> None:
        self.book, self.rule, self.where = book, rule, where

    def outcome(self, source: str, base: str, members: Sequence[str]) -> Outcome | None:
        """Judge a whole family against its base; None while scores are missing."""
        found = self.scores([base, *members])
        if found is None:
            return None
        by, scores = found
        noise = paired_noise(scores.values())
        gains = tuple(self.gain(n, base, scores, noise, len(members)) for n in members)
        won = best(gains)
        return Outcome(source, by, base, won.row if won else base, gains, noise)

    def verdict(
        self, row: str, base: str, family: Sequence[str], tests: int
    ) -> tuple[Gain, Noise | None, str] | None:
        """Judge one row of a family that grows; None while scores are missing."""
        found = self.scores(family)
        if found is None:
            return None
        by, scores = found
        noise = paired_noise(scores.values())
        return self.gain(row, base, scores, noise, tests), noise, by

    def gain(
        self, name: str, base: str, scores: dict[str, Scores], noise: Noise | None, tests: int
    ) -> Gain:
        row = self.book.row(name)
        within = fits(self.book.paths, (self.book.cell(row, seed) for seed in row.seeds))
        return gain_of(name, base, scores, Bar(noise, self.rule.margin or 0.0, tests), within)

    def scores(self, names: Sequence[str]) -> tuple[str, dict[str, Scores]] | None:
        """Return the measure that decides and every row's scores; None while one is missing.

        Raises:
            GolfError: there is no way to tell a gain from noise.
        """
        rows = [self.book.row(name) for name in dict.fromkeys(names)]
        self._require_bar(rows)
        by = self.rule.by or measure_of(self.book, rows)
        self.require(by, rows)
        found = {row.name: scores_of(self.book, row, by) for row in rows}
        for row in rows:
            others = {seed for other in rows if other is not row for seed in other.seeds}
            if (set(row.seeds) & others) - found[row.name].keys():
                return None
        return by, found

    def require(self, by: str, rows: Iterable[Row]) -> None:
        """Refuse to wait for a score that rows never get.

        Raises:
            GolfError: a row does not adapt, and is judged by what it scores when it has.
        """
        if by != "ttt":
            return
        for row in rows:
            if not _adapts(self.book, row):
                who = f"row {row.name!r}" if row.parent else "the baseline"
                what = f"`by: ttt` decides here, but {who} has no test-time training"
                hint = "set a ttt method in every row, or decide by pre or post"
                raise fail(what, hint, self.where)

    def _require_bar(self, rows: Iterable[Row]) -> None:
        """Refuse to choose where neither a margin nor replicates can tell a gain from noise."""
        counted = paired_noise([dict.fromkeys(row.seeds, 0.0) for row in rows])
        if self.rule.margin is None and counted is None:
            what = "one seed a row cannot tell a gain from noise, so that no row can win here"
            hint = "state `margin:` in bits per byte, or give the matrix two seeds or more"
            raise fail(what, hint, self.where)


def measure_of(book: Rowbook, rows: Sequence[Row]) -> str:
    """Return the last score that every row has."""
    measures = ("post", "ttt")
    has = [measures if _adapts(book, row) else measures[:1] for row in rows]
    return last_shared(measures, has)


def _adapts(book: Rowbook, row: Row) -> bool:
    return book.cell(row, row.seeds[0]).ttt is not None


def scores_of(book: Rowbook, row: Row, by: str) -> Scores:
    """Return the scores that a row has so far, by seed."""
    found = ((seed, score_of(book.paths, book.cell(row, seed), by)) for seed in row.seeds)
    return {seed: score for seed, score in found if score is not None}


class FinishedBook:
    """The rows of another matrix's plan."""

    def __init__(self, plan: Plan) -> None:
        self.paths = plan.paths
        self.rows = {row.name: row for row in plan.rows.rows}
        self.cells = {(cell.row.name, cell.seed): cell for cell in plan.cells}

    def row(self, name: str) -> Row:
        return self.rows[name]

    def cell(self, row: Row, seed: int) -> Cell:
        return self.cells[row.name, seed]


def foreign_outcome(plan: Plan, wave: Wave) -> Outcome | None:
    """Return how another matrix ended: its rows against its baseline; None while it runs.

    Raises:
        GolfError: it has no row beside its baseline, or one that shares no seed with it.
    """
    base, *members = plan.rows.rows
    lone = next((row.name for row in members if not {*row.seeds} & {*base.seeds}), "")
    if lone:
        what = f"row {lone!r} of {plan.rows.matrix.path} shares no seed with {base.name!r}"
        raise fail(what, "scores are compared seed by seed: give both the same one", wave.where)
    if plan.waiting:
        return None
    if not members:
        what = f"{plan.rows.matrix.path} has no row that could win"
        raise fail(what, "it needs rows beside its baseline", wave.where)
    jury = Jury(FinishedBook(plan), wave.rule, wave.where)
    return jury.outcome(wave.winner_of, base.name, [row.name for row in members])
