"""Rows that could never be told apart, because they share no seed with what they start from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from golf.config.matrix import BASELINE, Matrix, RowDraft, Wave
from golf.errors import Problem

Bases = dict[tuple[int, ...], str]  # seeds that rows state, () for none, each with such a row


def seed_problems(matrix: Matrix) -> Iterator[Problem]:
    """Report rows whose winner would be waited for without end, or found without a score."""
    rows = {d.name: d for d in matrix.drafts}
    for draft in matrix.drafts:
        if draft.parent in rows:
            yield from _unruled(matrix, draft, {rows[draft.parent].seeds: draft.parent})
    asked = {name for wave in matrix.waves for name in (*wave.combine, wave.winner_of)}
    for wave, draft, bases in _members(matrix, rows):
        if draft.parent == BASELINE:
            yield from _unruled(matrix, draft, bases)
        if wave.greedy or wave.name in asked:
            yield from _unpaired(matrix, wave, draft, bases)


def _members(
    matrix: Matrix, rows: Mapping[str, RowDraft]
) -> Iterator[tuple[Wave, RowDraft, Bases]]:
    """Yield every row of a wave, or its stack of winners, with what it may be compared with."""
    may_start: dict[str, Bases] = {}
    may_win: dict[str, Bases] = {}
    for wave in matrix.waves:
        below: Bases = {(): matrix.baseline_about.name or BASELINE}
        for bases in (
            *(may_start.get(n, {}) for n in wave.combine),
            may_win.get(wave.winner_of, {}),
        ):
            below |= bases
        winners = dict(below)
        stack = [RowDraft(wave.name, {}, wave.where)] if wave.combine else []
        for draft in stack or [rows[name] for name in wave.rows if name in rows]:
            yield wave, draft, dict(winners if wave.greedy else below)
            winners.setdefault(draft.seeds, draft.name)
        may_start[wave.name], may_win[wave.name] = below, winners


def _unpaired(matrix: Matrix, wave: Wave, draft: RowDraft, bases: Bases) -> Iterator[Problem]:
    """Report a row of a wave that shares no seed with a base that it may get."""
    rule = matrix.seed_rule
    sure = matrix.seeds[: rule.least] if rule else matrix.seeds
    own = {*(draft.seeds or sure)}
    for base in [name for seeds, name in bases.items() if own.isdisjoint(seeds or sure)][:1]:
        what = f"row {draft.name!r} of wave {wave.name!r} shares no seed with {base!r}"
        yield Problem(draft.where, what, "scores are compared seed by seed: give both the same one")


def _unruled(matrix: Matrix, draft: RowDraft, bases: Bases) -> Iterator[Problem]:
    """Report a row to which a rule adds seeds, on a base to which it adds none."""
    if not matrix.seed_rule or draft.seeds:
        return
    for base in [name for seeds, name in bases.items() if seeds and {*matrix.seeds} - {*seeds}][:1]:
        what = f"the rule for seeds adds some to row {draft.name!r}, but not to {base!r} below it"
        yield Problem(draft.where, what, f"drop `seeds:` of row {base!r}, or give both their own")
