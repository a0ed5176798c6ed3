"""Deltas with their statistics, the greedy log, and what did not work."""

from __future__ import annotations

from collections.abc import Iterator

from golf.report.study import SAID
from golf.report.table import Analysis, TableRow
from golf.report.tables.shape import DASH, Table, interval, p_value, plural, score, signed, table_of
from golf.statistics.verdict import Judgement, Verdict

STATUSES = ("keep", "discard", "crash")
TESTS = {"paired": "paired", "welch": "Welch", "one-sample": "one-sample", "none": DASH}


def delta_table(analysis: Analysis, name: str) -> Table | None:
    """Return Δ of one score: interval, p-values and verdict of every row with a parent."""
    judged = [(r, j) for r in analysis.table if (j := r.judged.get(name))]
    lines = [
        {
            "Row": row.row,
            "Against": row.parent,
            "n": str(found.delta.n),
            "Δ": signed(found.delta.mean),
            "95 % interval": interval(found.delta.interval()),
            "Test": TESTS[found.delta.test],
            "p": p_value(found.p),
            "p (Holm)": p_value(found.p_holm, analysis.level),
            "Verdict": verdict(analysis, name, found),
            **_within(analysis, found),
        }
        for row, found in judged
    ]
    return table_of(f"delta-{name}", f"Δ {SAID[name]}", lines, 2, _notes(analysis, name))


def _notes(analysis: Analysis, name: str) -> tuple[str, ...]:
    ruled, margin = analysis.study.ruled, analysis.study.margin
    looks = f"times the {ruled.rule.looks} looks of the rule for seeds, " if ruled else ""
    said = [
        "Below 0 is better. Paired over shared seeds, Welch where no seeds match; two-sided p, "
        f"{looks}corrected over this table (Holm); better or worse where the corrected p is below "
        f"{analysis.level:g}."
    ]
    if ruled:
        said.append(
            "Rows without a p have the verdict of that rule (below); intervals are those of one "
            "look."
        )
    if margin:
        said.append(
            f"Within ±{margin:g}: yes where two one-sided tests refuse a difference of that size "
            f"either way; their p is corrected likewise, and has to be below {analysis.level:g}."
        )
    return (*said, _floor_words(analysis, name))


def _floor_words(analysis: Analysis, name: str) -> str:
    floor = analysis.floors[name]
    if floor is None:
        return "No row was repeated: there is no noise floor to hold these against."
    return (
        f"Noise floor: a row's standard deviation over seeds, pooled, is {floor.std:.2g} "
        f"({plural(floor.df, 'degree')} of freedom); two single runs differ by more than "
        f"{floor.reach():.2g} in one case of twenty."
    )


def _within(analysis: Analysis, found: Judgement) -> dict[str, str]:
    """Return the column that says whether a row is equivalent, where that was asked."""
    margin, p = analysis.study.margin, found.p_equivalent
    if margin is None:
        return {}
    answer = "yes" if p is not None and p < analysis.level else "not shown"
    told = DASH if p is None else f"{answer} (p {p_value(p, analysis.level)})"
    return {f"Within ±{margin:g}": told}


def verdict(analysis: Analysis, name: str, found: Judgement) -> str:
    """Return the verdict; a lone seed is held against the noise floor of the table."""
    floor = analysis.floors[name]
    if found.verdict is not Verdict.ONE_SEED or floor is None:
        return str(found.verdict)
    smallest = floor.reach(found.delta.n, found.delta.n_baseline)
    side = "beyond" if abs(found.delta.mean) > smallest else "within"
    return f"{found.verdict}, {side} the noise floor"


def statuses(analysis: Analysis, name: str) -> dict[str, str]:
    """Return ``keep``, ``discard`` or ``crash`` by row; "" for a row that never ran.

    As the source says, or else kept where the score is below the parent's and below that of every
    row which was kept before it against the same parent.
    """
    found: dict[str, str] = {}
    best: dict[str, float] = {}
    for row in analysis.table:
        delta, value = row.delta(name), row.mean(name)
        if row.info.status in STATUSES:
            found[row.row] = row.info.status
        elif value is not None:
            kept = delta < best.get(row.parent, 0.0) if delta is not None else not found
            found[row.row] = "keep" if kept else "discard"
        else:
            crashed = any(f.row == row.row for f in analysis.study.failures)
            found[row.row] = "crash" if crashed else ""
        if found[row.row] == "keep" and delta is not None:
            best[row.parent] = min(delta, best.get(row.parent, 0.0))
    return found


def greedy_table(analysis: Analysis) -> Table | None:
    """Return the log of a greedy search: each row against the best one before it.

    Only for studies in which rows build on rows that were kept.
    """
    rows, lines = analysis.table, list(_steps(analysis, analysis.main_score))
    discarded = {line["Row"] for line in lines if line["Status"] == "discard"}
    parents = {r.parent for r in rows if r.parent}
    if parents <= {rows[0].row} or parents & discarded:
        return None
    notes = (
        f"Kept as the source says, or else where the {SAID[analysis.main_score]} score is below "
        "its parent's and its kept siblings', as the number stands; the verdicts above say what "
        "seeds can tell.",
    )
    return table_of("greedy", "Greedy log", lines, left=3, notes=notes, long=True)


def _steps(analysis: Analysis, name: str) -> Iterator[dict[str, str]]:
    best: float | None = None
    told = statuses(analysis, name)
    for i, row in enumerate(analysis.table, 1):
        value, delta = row.mean(name), row.delta(name)
        best = min((v for v in (best, value) if v is not None), default=None)
        against = f" ({signed(delta)} vs {row.parent})" if delta is not None else ""
        yield {
            "#": str(i),
            "Row": row.row,
            "Description": (row.info.change or row.row) + against,
            "Score": score(value),
            "Status": told[row.row] or DASH,
            "Best so far": score(best),
        }


def negative_table(analysis: Analysis) -> Table | None:
    """Return what did not work: expected, actual, verdict and why.

    Rows that say what was expected of them, or why they failed; and every row that is worse.
    """
    name = analysis.main_score
    lines = [_negative(analysis, row, name) for row in analysis.table if _is_negative(row, name)]
    notes = (f"Δ {SAID[name]}; rows that are worse, or not what was expected of them.",)
    return table_of("negative", "Negative results", lines, left=6, notes=notes)


def _is_negative(row: TableRow, name: str) -> bool:
    found = row.judged.get(name)
    if found is None or found.verdict is Verdict.BETTER:
        return False
    told = bool(row.info.expect or row.info.why)
    return (
        found.verdict is Verdict.WORSE
        or (told and found.delta.mean >= 0)
        or (told and found.verdict in (Verdict.NOISE, Verdict.BELOW))
    )


def _negative(analysis: Analysis, row: TableRow, name: str) -> dict[str, str]:
    found = row.judged[name]
    assert found is not None
    return {
        "Row": row.row,
        "Technique": row.info.change or DASH,
        "Expected": row.info.expect or DASH,
        "Actual": f"{signed(found.delta.mean)} vs {row.parent}",
        "Verdict": verdict(analysis, name, found),
        "Why": row.info.why or DASH,
    }
