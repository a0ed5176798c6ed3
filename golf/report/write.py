"""One report from start to end: collect, tabulate, render, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from golf.files import write_text
from golf.plan.graph import Plan
from golf.report.collect import SCORES, collect, environments
from golf.report.formats import as_csv, as_json
from golf.report.markdown import render
from golf.report.table import ablation_table


@dataclass(frozen=True)
class Report:
    """A rendered report.

    Attributes:
        file: where it was written; None for formats that only go to the terminal.
        missing: cells without all of their results.
    """

    text: str
    file: Path | None
    missing: int


def make_report(plan: Plan, form: str, command: Sequence[str]) -> Report:
    """Return the report of a plan; markdown is also written to ``reports/``.

    A report without a single score is not written: it would replace one that has some.

    Args:
        plan: the matrix as it was run.
        form: ``md``, ``csv`` or ``json``.
        command: the ``golf run`` line that repeats it.
    """
    cells = collect(plan)
    table = ablation_table(cells, SCORES)
    missing = int((~cells["complete"]).sum())
    if form == "csv":
        return Report(as_csv(cells), None, missing)
    if form == "json":
        header = {"name": plan.variant, "seeds": list(plan.rows.seeds), "missing": missing}
        return Report(as_json(table, header) + "\n", None, missing)
    text = render(plan, table, environments(plan), command)
    if missing == len(cells) and not cells["scored_bytes"].notna().any():
        return Report(text, None, missing)
    file = plan.paths.report(plan.variant, "md")
    write_text(file, text)
    return Report(text, file, missing)
