"""One report from start to end: analyze, render, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from golf.files import write_text
from golf.records import RunPaths
from golf.report.formats import as_csv, as_json
from golf.report.markdown import render
from golf.report.study import Study
from golf.report.table import analyze


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


def make_report(study: Study, form: str, paths: RunPaths) -> Report:
    """Return the report of a study; markdown is also written to ``reports/``.

    A report without a single score is not written: it would replace one that has some.
    """
    analysis = analyze(study)
    if form == "csv":
        return Report(as_csv(analysis), None, study.missing)
    if form == "json":
        return Report(as_json(analysis) + "\n", None, study.missing)
    text = render(analysis)
    if study.is_empty:
        return Report(text, None, study.missing)
    file = paths.report(study.name, "md")
    write_text(file, text)
    return Report(text, file, study.missing)
