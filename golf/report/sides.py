"""``golf compare`` of rows, matrices and logs: what differs in them, and by how much they score."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from golf.config.values import format_value
from golf.errors import did_you_mean, fail
from golf.frozen import Frozen
from golf.report.command import Source, read_runs, studies
from golf.report.imported import PLACES, cells_of, read_logs, study_of
from golf.report.markdown import plain_grid
from golf.report.numbers import check_bytes_per_token
from golf.report.record import record_of
from golf.report.study import HEADINGS, SAID, SCORES, Line
from golf.report.table import Analysis, analyze, delta_of, main_score
from golf.report.tables.judged import TESTS
from golf.report.tables.record import table_of_records
from golf.report.tables.shape import DASH, Table, interval, p_value, score, signed, table_of
from golf.statistics.verdict import judge

MOST_STEPS = 10
RUNS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json")


class Side(Frozen):
    """One side of a comparison: a row of a table, or the whole table when ``row`` is ""."""

    text: str
    analysis: Analysis
    row: str

    @property
    def lines(self) -> Mapping[int, Line]:
        return self.analysis.values[self.row]

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.analysis.of(self.row).info.settings


def find_side(text: str) -> Side:
    """Return what ``FILE`` or ``FILE:ROW`` names: a matrix, tidy or imported runs, or a log.

    Raises:
        GolfError: no such file or row.
    """
    path, row = Path(text), ""
    if not path.exists() and ":" in text:
        name, _, row = text.partition(":")
        path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        (study, _), *_ = studies(Source(path))
    elif path.suffix in RUNS:
        study = read_runs(path)
    else:
        study = study_of(cells_of(read_logs([path])), path.stem)
    analysis = analyze(study)
    names = [r.row for r in analysis.table]
    if row and row not in names:
        hint = did_you_mean(row, names) or f"there are {', '.join(names)}"
        raise fail(f"no row {row!r}", hint, str(path))
    return Side(text, analysis, row or (names[0] if len(names) == 1 else ""))


def compare_sides(texts: Sequence[str], as_json: bool, per_token: float | None = None) -> str:
    """Return the comparison of two sides; the first is the baseline.

    Raises:
        GolfError: not two sides, or a row against a whole table.
    """
    if len(texts) != 2:
        raise fail(f"compare wants two sides, found {len(texts)}", "golf compare FILE:ROW FILE:ROW")
    check_bytes_per_token(per_token)
    left, right = map(find_side, texts)
    if bool(left.row) != bool(right.row):
        hint = "name a row on both sides, FILE:ROW, or on neither"
        raise fail("a row cannot be compared with a whole table", hint)
    if not left.row:
        tables = [_tables_table(left, right), _record_table(left, right, per_token)]
    else:
        makers = (_settings_table, _scores_table, _curve_table)
        tables = [make(left, right) for make in makers]
        tables.insert(2, _record_table(left, right, per_token))
    there = [t for t in tables if t]
    if as_json:
        return json.dumps({t.name: _as_dicts(t) for t in there}, indent=2, ensure_ascii=False)
    head = f"{right.text} against {left.text}"
    parts = [part for t in there for part in (t.title, plain_grid(t) if t.rows else "", *t.notes)]
    return "\n\n".join([head, *(p for p in parts if p)])


def _as_dicts(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _settings_table(left: Side, right: Side) -> Table | None:
    """Return the settings that differ, and those that only one side knows."""
    lines = []
    for name in dict.fromkeys([*left.settings, *right.settings]):
        values = [_value(side, name) for side in (left, right)]
        if values[0] != values[1] and not name.endswith(PLACES):
            lines.append({"Setting": name, "From": values[0], "To": values[1]})
    made = table_of("settings", "Settings that differ", lines, left=3)
    return made or Table("settings", "No setting differs.", ("Setting", "From", "To"), (), 3)


def _value(side: Side, name: str) -> str:
    return format_value(side.settings[name]) if name in side.settings else DASH


def _scores_table(left: Side, right: Side) -> Table | None:
    found = [(s, d) for s in SCORES if (d := delta_of(right.lines, left.lines, s))]
    lines = [
        {
            "Score": HEADINGS[name],
            "From": score(left.analysis.of(left.row).mean(name)),
            "To": score(right.analysis.of(right.row).mean(name)),
            "Δ": signed(delta.mean),
            "95 % interval": interval(delta.interval()),
            "n": str(delta.n),
            "Test": TESTS[delta.test],
            "p": p_value(delta.p_two_sided()),
        }
        for name, delta in found
    ]
    return table_of("scores", "Scores", lines, notes=("Below 0 is better; p is two-sided.",))


def _record_table(left: Side, right: Side, per_token: float | None) -> Table | None:
    """Return what the challenge's rule says of the candidate, or of every row of both tables."""
    old, new = left.analysis.values, right.analysis.values
    pairs = [(right.row, left.row)] if right.row else [(r, r) for r in new if r in old]
    found = ((row, base, record_of(new[row], old[base], per_token)) for row, base in pairs)
    return table_of_records((row, base, record) for row, base, record in found if record)


def _curve_table(left: Side, right: Side) -> Table | None:
    """Return the difference of training losses along the way, paired by seed and step."""
    pairs = [
        (mine, theirs)
        for seed in right.lines
        if seed in left.lines
        and (mine := right.analysis.study.curve(right.row, seed))
        and (theirs := left.analysis.study.curve(left.row, seed))
    ]
    if not pairs:
        return None
    gaps: dict[float, list[float]] = {}
    for mine, theirs in pairs:
        base = dict(zip(theirs.steps, theirs.loss, strict=True))
        for step, loss in zip(mine.steps, mine.loss, strict=True):
            if step in base:
                gaps.setdefault(step, []).append(loss - base[step])
    steps = sorted(s for s, values in gaps.items() if len(values) == len(pairs))
    every = max(1, math.ceil(len(steps) / MOST_STEPS))
    lines = [
        {"Step": f"{s:,.0f}", "Δ training loss": signed(sum(gaps[s]) / len(gaps[s]))}
        for s in reversed(steps[::-1][::every])
    ]
    notes = (f"Nats per token, mean over {len(pairs)} shared seeds.",)
    return table_of("curve", "Along the training", lines, notes=notes)


def _tables_table(left: Side, right: Side) -> Table | None:
    """Return the rows that both tables have, each judged against its namesake."""
    shared = [r.row for r in right.analysis.table if r.row in left.analysis.values]
    names = dict.fromkeys(shared)
    tables = (*left.analysis.table, *right.analysis.table)
    name = main_score([row for row in tables if row.row in names])
    judged = judge(
        [delta_of(right.analysis.values[r], left.analysis.values[r], name) for r in shared]
    )
    lines = [
        {
            "Row": row,
            "From": score(left.analysis.of(row).mean(name)),
            "To": score(right.analysis.of(row).mean(name)),
            "Δ": signed(found.delta.mean if found else None),
            "95 % interval": interval(found.delta.interval() if found else None),
            "p (Holm)": p_value(found.p_holm if found else None),
            "Verdict": str(found.verdict) if found else DASH,
        }
        for row, found in zip(shared, judged, strict=True)
    ]
    title = f"Rows of both, {SAID[name]}"
    return table_of("rows", title, lines, notes=tuple(_alone(left, right)))


def _alone(left: Side, right: Side) -> Iterator[str]:
    for mine, other in ((left, right), (right, left)):
        lone = [r.row for r in mine.analysis.table if r.row not in other.analysis.values]
        if lone:
            yield f"Only in {mine.text}: {', '.join(lone)}."
