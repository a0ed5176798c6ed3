"""``golf compare`` of rows, matrices and logs: what differs in them, and by how much they score."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from golf.config.values import format_value
from golf.errors import fail
from golf.frozen import Frozen
from golf.plan.ledger import Options
from golf.report.command import check_options
from golf.report.imported import PLACES
from golf.report.markdown import plain_grid
from golf.report.numbers import check_bytes_per_token
from golf.report.record import record_of
from golf.report.side import Side, find_side
from golf.report.study import HEADINGS, SAID, SCORES, SEEDLESS
from golf.report.table import delta_of, main_score
from golf.report.tables.judged import TESTS
from golf.report.tables.record import record_facts, table_of_records
from golf.report.tables.shape import DASH, Table, interval, p_value, plural, score, signed, table_of
from golf.statistics.verdict import judge

MOST_STEPS = 10
FLAGS = "What was run with --profile or --set is found with the same flags."
Facts = list[dict[str, Any]]


class Part(Frozen):
    """What a comparison says of one thing: unrounded for programs, and as a table for people."""

    name: str
    facts: Facts
    table: Table | None


def compare_sides(
    texts: Sequence[str], options: Options, as_json: bool, per_token: float | None = None
) -> str:
    """Return the comparison of two sides; the first is the baseline.

    Raises:
        GolfError: not two sides, or a row against a whole table.
    """
    if len(texts) != 2:
        raise fail(f"compare wants two sides, found {len(texts)}", "golf compare FILE:ROW FILE:ROW")
    check_bytes_per_token(per_token)
    left, right = (find_side(text, options) for text in texts)
    check_options(options, bool(left.again or right.again))
    if bool(left.row) != bool(right.row):
        hint = "name a row on both sides, FILE:ROW, or on neither"
        raise fail("a row cannot be compared with a whole table", hint)
    record = _record_part(left, right, per_token)
    if left.row:
        makers = (_settings_part, _scores_part, _curve_part)
        parts = [make(left, right) for make in makers]
        parts.insert(2, record)
    else:
        parts = [_rows_part(left, right), record]
    there = [(p, p.table) for p in parts if p.table]
    notes = list(dict.fromkeys(_unscored(left, right, options)))
    if as_json:
        alone = [] if left.row else [*_alone(left, right)]
        return _as_json(left, right, [p for p, _ in there], alone + notes)
    head = f"{right.text} against {left.text}"
    told = [x for _, t in there for x in (t.title, plain_grid(t) if t.rows else "", *t.notes)]
    return "\n\n".join([head, *(x for x in told if x), *notes])


def _as_json(left: Side, right: Side, parts: Sequence[Part], notes: Sequence[str]) -> str:
    """Return the figures for programs; what is missing is null."""
    found = {"baseline": left.text, "candidate": right.text, **{p.name: p.facts for p in parts}}
    told = {**found, "notes": notes}
    return json.dumps(told, indent=2, ensure_ascii=False, allow_nan=False)


def _unscored(left: Side, right: Side, options: Options) -> Iterator[str]:
    """Yield that a side has no score, and what gives it one."""
    empty = [side for side in (left, right) if side.is_empty]
    for side in empty:
        yield f"{side.text} has no {f'result yet: {side.again}' if side.again else 'score.'}"
    if options == Options() and any(side.again for side in empty):
        yield FLAGS


def _settings_part(left: Side, right: Side) -> Part:
    """Return the settings that differ, and those that only one side knows."""
    facts, lines = [], []
    for name in dict.fromkeys([*left.settings, *right.settings]):
        old, new = (_value(side, name) for side in (left, right))
        if old != new and not name.endswith(PLACES):
            facts.append({"setting": name, "from": _fact(left, name), "to": _fact(right, name)})
            lines.append({"Setting": name, "From": old, "To": new})
    table = table_of("settings", "Settings that differ", lines, left=3)
    none = Table("settings", "No setting differs.", ("Setting", "From", "To"), (), 3)
    return Part("settings", facts, table or none)


def _value(side: Side, name: str) -> str:
    return format_value(side.settings[name]) if name in side.settings else DASH


def _fact(side: Side, name: str) -> Any:
    """Return a number as it is, else what a user would write; None where the side has none."""
    value = side.settings.get(name)
    is_told = isinstance(value, int | float) or name not in side.settings
    return value if is_told else format_value(value)


def _scores_part(left: Side, right: Side) -> Part:
    facts: Facts = [
        {
            "score": name,
            "from": left.analysis.of(left.row).mean(name),
            "to": right.analysis.of(right.row).mean(name),
            "delta": delta.mean,
            "interval": delta.interval(),
            "n": delta.n,
            "n_baseline": delta.n_baseline,
            "test": delta.test,
            "p": delta.p_two_sided(),
        }
        for name in SCORES
        if (delta := delta_of(right.lines, left.lines, name))
    ]
    lines = [
        {
            "Score": HEADINGS[x["score"]],
            "From": score(x["from"]),
            "To": score(x["to"]),
            "Δ": signed(x["delta"]),
            "95 % interval": interval(x["interval"]),
            "n": str(x["n"]),
            "Test": TESTS[x["test"]],
            "p": p_value(x["p"]),
        }
        for x in facts
    ]
    notes = ("Below 0 is better; p is two-sided.",)
    return Part("scores", facts, table_of("scores", "Scores", lines, notes=notes))


def _record_part(left: Side, right: Side, per_token: float | None) -> Part:
    """Return what the challenge's rule says of the candidate, or of every row of both tables."""
    old, new = left.analysis.values, right.analysis.values
    pairs = [(right.row, left.row)] if right.row else [(r, r) for r in new if r in old]
    asked = ((row, base, record_of(new[row], old[base], per_token)) for row, base in pairs)
    found = [(row, base, record) for row, base, record in asked if record]
    facts: Facts = [{"row": r, "against": b, **(record_facts(x) or {})} for r, b, x in found]
    return Part("record", facts, table_of_records(found))


def _curve_part(left: Side, right: Side) -> Part:
    """Return the difference of training losses along the way, run by run and step by step."""
    pairs = [
        (mine, theirs)
        for here, there in _paired_runs(left, right)
        if (mine := right.analysis.study.curve(right.row, here))
        and (theirs := left.analysis.study.curve(left.row, there))
    ]
    gaps: dict[float, list[float]] = {}
    for mine, theirs in pairs:
        base = dict(zip(theirs.steps, theirs.loss, strict=True))
        for step, loss in zip(mine.steps, mine.loss, strict=True):
            if step in base:
                gaps.setdefault(step, []).append(loss - base[step])
    steps = sorted(s for s, values in gaps.items() if len(values) == len(pairs))
    every = max(1, math.ceil(len(steps) / MOST_STEPS))
    shown = reversed(steps[::-1][::every])
    facts: Facts = [{"step": s, "delta_loss": sum(gaps[s]) / len(gaps[s])} for s in shown]
    lines = [
        {"Step": f"{x['step']:,.0f}", "Δ training loss": signed(x["delta_loss"])} for x in facts
    ]
    notes = (f"Nats per token, mean over {plural(len(pairs), 'pair')} of runs.",)
    return Part("curve", facts, table_of("curve", "Along the training", lines, notes=notes))


def _paired_runs(left: Side, right: Side) -> Iterator[tuple[int, int]]:
    """Yield the seeds of the right and the left side that belong together.

    Equal seeds do; and runs without a seed where there is one on either side.
    """
    old, new = (
        [s for s, line in side.lines.items() if line.get(SEEDLESS)] for side in (left, right)
    )
    yield from ((s, s) for s in right.lines if s in left.lines and s not in (*old, *new))
    if len(old) == len(new) == len(left.lines) == len(right.lines) == 1:
        yield new[0], old[0]


ROW_COLUMNS = ("Row", "From", "To", "Δ", "95 % interval", "p (Holm)", "Verdict")


def _rows_part(left: Side, right: Side) -> Part:
    """Return the rows that both tables have, each judged against its namesake."""
    shared = [r.row for r in right.analysis.table if r.row in left.analysis.values]
    tables = (*left.analysis.table, *right.analysis.table)
    name = main_score([row for row in tables if row.row in {*shared}])
    judged = judge(
        [delta_of(right.analysis.values[r], left.analysis.values[r], name) for r in shared]
    )
    facts: Facts = [
        {
            "row": row,
            "score": name,
            "from": left.analysis.of(row).mean(name),
            "to": right.analysis.of(row).mean(name),
            "delta": found.delta.mean if found else None,
            "interval": found.delta.interval() if found else None,
            "p_holm": found.p_holm if found else None,
            "verdict": str(found.verdict) if found else None,
        }
        for row, found in zip(shared, judged, strict=True)
    ]
    rows = tuple(
        (
            x["row"],
            *map(score, (x["from"], x["to"])),
            signed(x["delta"]),
            interval(x["interval"]),
            p_value(x["p_holm"]),
            x["verdict"] or DASH,
        )
        for x in facts
    )
    title = f"Rows of both, {SAID[name]}" if shared else "No row is in both."
    return Part("rows", facts, Table("rows", title, ROW_COLUMNS, rows, notes=_alone(left, right)))


def _alone(left: Side, right: Side) -> tuple[str, ...]:
    alone = []
    for mine, other in ((left, right), (right, left)):
        lone = [r.row for r in mine.analysis.table if r.row not in other.analysis.values]
        alone += [f"Only in {mine.text}: {', '.join(lone)}."] if lone else []
    return tuple(alone)
