"""One side of ``golf compare``: a row or a whole table of a matrix, of runs, or of a log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from golf.errors import did_you_mean, fail
from golf.frozen import Frozen
from golf.plan.ledger import Options
from golf.report.command import TIDY, Source, read_runs, studies
from golf.report.imported import cells_of, read_logs, study_of
from golf.report.study import SCORES, Line
from golf.report.table import Analysis, analyze

MATRICES, RUNS = (".yaml", ".yml"), (*TIDY, ".json")


class Side(Frozen):
    """One side of a comparison: a row of a table, or the whole table when ``row`` is "".

    Attributes:
        again: the line that runs a matrix; "" for other sources.
    """

    text: str
    analysis: Analysis
    row: str
    again: str = ""

    @property
    def lines(self) -> Mapping[int, Line]:
        return self.analysis.values[self.row]

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.analysis.of(self.row).info.settings

    @property
    def is_empty(self) -> bool:
        """Say whether there is not a single score."""
        lines = self.lines.values() if self.row else self.analysis.study.lines
        return all(line.get(s) is None for line in lines for s in SCORES)


def find_side(text: str, options: Options) -> Side:
    """Return what ``FILE`` or ``FILE:ROW`` names: a matrix, tidy or imported runs, or a log.

    Raises:
        GolfError: no such file or row.
    """
    path, row = _split(text)
    again = ""
    if path.suffix.lower() in MATRICES:
        (study, _), *_ = studies(Source(path, options))
        again = study.commands[0]
    elif path.suffix.lower() in RUNS:
        study = read_runs(path)
    else:
        study = study_of(cells_of(read_logs([path])), path.stem)
    analysis = analyze(study)
    names = [r.row for r in analysis.table]
    if row and row not in names:
        hint = did_you_mean(row, names) or f"there are {', '.join(names)}"
        raise fail(f"no row {row!r}", hint, str(path))
    return Side(text, analysis, row or (names[0] if len(names) == 1 else ""), again)


def _split(text: str) -> tuple[Path, str]:
    """Return file and row; the file is the longest that is there, as both may have colons."""
    places = [i for i, sign in enumerate(text) if sign == ":"]
    for at in (len(text), *reversed(places)):
        if Path(text[:at]).is_file():
            return Path(text[:at]), text[at + 1 :]
    ends = [at for at in places if Path(text[:at]).suffix]
    at = next(iter(ends or places), len(text))
    return Path(text[:at]), text[at + 1 :]
