"""Every row under two budgets, side by side: at equal time, and at equal steps or tokens."""

from __future__ import annotations

from golf.report.study import EQUAL, HEADINGS
from golf.report.table import Analysis, TableRow, second_score, spread
from golf.report.tables.judged import verdict
from golf.report.tables.shape import DASH, Table, number, signed, table_of, with_std


def budgets_table(analysis: Analysis) -> Table | None:
    """Return each row's score, Δ and verdict under both budgets; None where there is one.

    Beside each stands what that budget leaves open: the steps that the time allowed, or the
    seconds that the steps took.
    """
    budgets, name = analysis.study.budgets, analysis.main_score
    if not budgets:
        return None
    columns = dict(zip(budgets, (name, second_score(analysis.study, name)), strict=True))
    lines = [
        {"Row": row.row, **{k: v for b in budgets for k, v in _part(analysis, row, b, columns[b])}}
        for row in analysis.table
    ]
    words = " and at ".join(EQUAL[b] for b in budgets)
    note = "Δ against the row's own parent under the same budget; p corrected over each column."
    return table_of("budgets", f"{HEADINGS[name]} at {words}", lines, notes=(note,))


def _part(analysis: Analysis, row: TableRow, budget: str, column: str) -> list[tuple[str, str]]:
    """Return a row's cells under one budget."""
    found, equal = row.judged.get(column), EQUAL[budget]
    open_name, form = ("steps", ",.0f") if budget == "seconds" else ("train_s", ".1f")
    suffix = column.partition(" ")[2]
    values = [x.get(f"{open_name} {suffix}".strip()) for x in analysis.values[row.row].values()]
    heading = {"steps": "Steps", "train_s": "Train s"}[open_name]
    return [
        (f"Score at {equal}", with_std(row.spread(column))),
        (f"Δ at {equal}", signed(row.delta(column))),
        (f"Verdict at {equal}", verdict(analysis, column, found) if found else DASH),
        (f"{heading} at {equal}", number(spread(values).mean, form)),
    ]
