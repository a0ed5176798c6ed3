"""``golf report`` as a user meets it."""

from __future__ import annotations

import math
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import field, replace
from pathlib import Path

from golf.errors import fail
from golf.frozen import Frozen
from golf.plan.ledger import Options, known_runs, plan_as_run
from golf.records import RunPaths, enclosing_project
from golf.report.collect import collect
from golf.report.study import Study
from golf.report.table import analyze
from golf.report.write import FORMATS, Style, make_report

TIDY = (".csv", ".tsv", ".jsonl", ".ndjson")


class Source(Frozen):
    """What to report.

    Attributes:
        matrix: a matrix file; None for all that were run, or for ``runs``.
        runs: a file of tidy rows, or one that ``golf import`` wrote.
        baseline: the row to compare with, for ``runs``.
        margin: the difference in bits per byte that equivalence is tested against.
    """

    matrix: Path | None = None
    options: Options = field(default_factory=Options)
    runs: Path | None = None
    baseline: str = ""
    margin: float | None = None


def check(source: Source, form: str) -> None:
    """Raise a ``GolfError`` for flags that do not go together."""
    if form not in FORMATS:
        raise fail(f"no format {form!r}", f"there are {', '.join(FORMATS)}")
    if source.runs and source.matrix:
        raise fail("a matrix and --runs are two sources", "keep one of them")
    if source.baseline and not source.runs:
        raise fail("--baseline goes with --runs", "a matrix names its baseline and parents itself")
    check_options(source.options, source.matrix is not None)
    if source.margin is not None and not 0 < source.margin < math.inf:
        raise fail("--margin is a difference in bits per byte, above 0", "for example 0.001")


def check_options(options: Options, has_matrix: bool) -> None:
    """Raise a ``GolfError`` for flags that only a matrix takes."""
    for flag, given in (("--profile", options.profile), ("--set", options.overrides)):
        if given and not has_matrix:
            raise fail(f"{flag} goes with a matrix", "name the matrix file that was run with it")


def studies(source: Source) -> Iterator[tuple[Study, RunPaths]]:
    """Yield every study that a source asks for, with the project that it belongs to."""
    for study, paths in _sources(source):
        if source.margin is not None:
            *before, last = study.commands
            again = (*before, f"{last} --margin {source.margin}")
            study = replace(study, margin=source.margin, commands=again)
        yield study, paths


def _sources(source: Source) -> Iterator[tuple[Study, RunPaths]]:
    here = enclosing_project(Path.cwd()) or Path.cwd()
    if source.runs:
        flags = ["--baseline", source.baseline] if source.baseline else []
        line = ["golf", "report", "--runs", os.path.relpath(source.runs, here), *flags]
        study = read_runs(source.runs, source.baseline)
        yield replace(study, commands=(shlex.join(line),)), RunPaths(here)
        return
    chosen = [(source.matrix, source.options)] if source.matrix else known_runs(here)
    for path, given in chosen:
        plan, options = plan_as_run(path, given)
        inside = os.path.relpath(path.resolve(), plan.paths.root)
        again = [options.line(command, inside) for command in ("run", "report")]
        yield collect(plan, again), plan.paths


def read_runs(path: Path, baseline: str = "") -> Study:
    """Return the study of a file of tidy rows or of imported runs.

    Raises:
        GolfError: it is neither, or something in it is wrong.
    """
    suffix = path.suffix.lower()
    if suffix not in (*TIDY, ".json"):
        hint = f"there are {', '.join(TIDY)}, and .json from `golf import`"
        raise fail("no file of runs", hint, str(path))
    if suffix in TIDY:
        from golf.report.tidy import read_tidy  # noqa: PLC0415 (start-up)

        return read_tidy(path, baseline)
    from golf.logs.records import read_imported  # noqa: PLC0415 (start-up)
    from golf.report.imported import study_of  # noqa: PLC0415

    if not path.exists():
        raise fail("no such file", "`golf import LOG` writes one", str(path))
    cells = read_imported(path)
    if not cells:
        raise fail("no runs in it", "`golf import LOG` adds some", str(path))
    return study_of(cells, path.stem, baseline)


def verify_table(source: Source, path: Path) -> int:
    """Say which cells of a pasted table differ from the results; return how many.

    Raises:
        GolfError: the file cannot be read, or has no table that the results know.
    """
    from golf.logs.text import read_text  # noqa: PLC0415 (start-up: most reports verify nothing)
    from golf.report.verify import told, verify  # noqa: PLC0415

    check(source, "md")
    hint = "a table of `golf report`, or one with its headings and row names"
    text, differing = read_text(path, hint), 0
    for study, _ in studies(source):
        found = verify(text, analyze(study))
        if not found.checked:
            raise fail(f"no table of {study.name} here", hint, str(path))
        print(told(found))
        differing += len(found.differences)
    return differing


def report(source: Source, style: Style) -> int:
    """Print the report of every study; return how many cells are missing."""
    check(source, style.form)
    missing = 0
    for study, paths in studies(source):
        made = make_report(study, style, paths)
        print(made.text, end="")
        for file in made.files:
            print(f"wrote {os.path.relpath(file)}", file=sys.stderr)
        missing += study.missing
    return missing
