"""One report from start to end: analyze, render, write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from golf.files import write_text
from golf.records import RunPaths
from golf.report.formats import as_csv, as_json
from golf.report.markdown import render
from golf.report.study import Study
from golf.report.table import Analysis, analyze

FORMATS = ("md", "csv", "json")


@dataclass(frozen=True)
class Style:
    """How a report looks.

    Attributes:
        fold: long tables are folded in markdown.
    """

    form: str = "md"
    fold: bool = False


@dataclass(frozen=True)
class Report:
    """A rendered report and the files that were written."""

    text: str
    files: tuple[Path, ...] = ()


def make_report(study: Study, style: Style, paths: RunPaths) -> Report:
    """Return the report of a study; markdown is also written to ``reports/``.

    A report without a single score is not written: it would replace one that has some.
    """
    analysis = analyze(study)
    text = _text(analysis, style)
    if style.form != "md" or study.is_empty:
        return Report(text)
    file = paths.report(study.name, "md")
    write_text(file, text)
    return Report(text, (file,))


def _text(analysis: Analysis, style: Style) -> str:
    if style.form == "csv":
        return as_csv(analysis)
    if style.form == "json":
        return as_json(analysis) + "\n"
    return render(analysis, style.fold)
