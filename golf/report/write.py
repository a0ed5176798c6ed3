"""One report from start to end: analyze, render, write."""

from __future__ import annotations

import os
import re
import shlex
from importlib import import_module
from pathlib import Path

from golf.errors import fail
from golf.files import write_text
from golf.frozen import Frozen
from golf.records import RunPaths
from golf.report.markdown import render
from golf.report.study import Study
from golf.report.table import Analysis, analyze

# Module and function of every format but markdown, which is the one that is always there.
PRINTED = {
    "html": "golf.report.page.write:render_page",
    "csv": "golf.report.formats:as_csv",
    "json": "golf.report.formats:as_json",
    "latex": "golf.report.latex:as_latex",
    "tsv": "golf.report.export:as_results",
}
TRACKERS = ("tensorboard", "wandb", "trackio")
FORMATS = ("md", *PRINTED, *TRACKERS)
AGAIN = re.compile(r"To repeat it:(?:</p><pre>|\n\n```\n)(.*?)(?:</pre>|\n)")


class Style(Frozen):
    """How a report looks.

    Attributes:
        fold: long tables are folded in markdown.
        pictures: pictures are drawn beside the markdown and shown in it.
    """

    form: str = "md"
    fold: bool = False
    pictures: bool = False


class Report(Frozen):
    """A rendered report and the files that were written."""

    text: str
    files: tuple[Path, ...] = ()


def make_report(study: Study, style: Style, paths: RunPaths) -> Report:
    """Return the report of a study; markdown is also written to ``reports/``.

    A report without a single score is not written: it would replace one that has some.

    Raises:
        GolfError: it would replace the report of another source.
    """
    analysis = analyze(study)
    if not study.is_empty and style.form not in PRINTED.keys() - {"html"}:
        _check_source(study, paths)
    if style.form in TRACKERS and not study.is_empty:
        from golf.report.trackers import export  # noqa: PLC0415 (start-up)

        return Report("", export(analysis, style.form, paths.report(study.name, style.form)))
    if style.form == "html" and not study.is_empty:
        page = paths.report(study.name, "html")
        write_text(page, _text(analysis, style.form))
        return Report("", (page,))
    if style.form in PRINTED:
        return Report(_text(analysis, style.form))
    file = paths.report(study.name, "md")
    if study.is_empty:
        return Report(render(analysis, style.fold))
    pictures = _pictures(analysis, file) if style.pictures else {}
    shown = {t: {k: _beside(file, p) for k, p in files.items()} for t, files in pictures.items()}
    text = render(analysis, style.fold, shown)
    write_text(file, text)
    return Report(text, (file, *(p for files in pictures.values() for p in files.values())))


def _check_source(study: Study, paths: RunPaths) -> None:
    """Raise a ``GolfError`` where a report of this name was made from another file."""
    mine = _source(study.commands[0]) if study.commands else ""
    for file in (paths.report(study.name, suffix) for suffix in ("md", "html")):
        theirs = _source_of(file) if file.exists() else ""
        other = paths.root / theirs
        if mine and theirs and other.exists() and other.resolve() != (paths.root / mine).resolve():
            what = f"this report is of {theirs}; that of {mine} would replace it"
            hint = "rename one of the two files, or move this report away"
            raise fail(what, hint, os.path.relpath(file))


def _source_of(report: Path) -> str:
    """Return the file that a report was made from; "" where it does not tell."""
    from html import unescape  # noqa: PLC0415 (start-up)

    lines = AGAIN.findall(report.read_text(encoding="utf-8", errors="replace"))
    return _source(unescape(lines[-1])) if lines else ""


def _source(line: str) -> str:
    """Return the file that a line to repeat a report reads; "" for other lines."""
    try:
        words = shlex.split(line)
    except ValueError:
        return ""
    at = 3 if words[1:3] == ["report", "--runs"] else 2
    return words[at] if len(words) > at else ""


def _pictures(analysis: Analysis, file: Path) -> dict[str, dict[str, Path]]:
    from golf.report.figures.write import write_pictures  # noqa: PLC0415 (matplotlib is slow)

    return {p.title: p.files for p in write_pictures(analysis, file.with_suffix(""))}


def _beside(file: Path, picture: Path) -> str:
    return picture.relative_to(file.parent).as_posix()


def _text(analysis: Analysis, form: str) -> str:
    module, _, function = PRINTED[form].partition(":")
    return str(getattr(import_module(module), function)(analysis))
