"""Many results from one file, for as long as their own files have not changed.

``runs/finished.json`` repeats what a report needs of every result, beside the inode, size and time
of the result's own file. It is never trusted over the files: each is asked for these three at every
reading, and what differs is read anew. Results appear by rename, so that none can change under the
same inode.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, NamedTuple, Protocol

from golf.errors import GolfError
from golf.files import canonical_json, read_json, write_text
from golf.records import RunPaths, read_result_file

LEAST = 1000  # results read anew that are worth writing the file
VERSION = 2
PARTS = 7  # of a line: inode, size, time, place of its about, output hash, inputs, measures

Lines = dict[str, list[Any]]


class Found(Protocol):
    """What a report needs of a result."""

    @property
    def measures(self) -> dict[str, float]: ...
    @property
    def inputs(self) -> dict[str, str]: ...
    @property
    def output_sha256(self) -> str: ...
    @property
    def environment(self) -> dict[str, Any]: ...
    @property
    def facts(self) -> dict[str, Any]: ...


class Kept(NamedTuple):
    """A result as the file keeps it."""

    measures: dict[str, float]
    inputs: dict[str, str]
    output_sha256: str
    environment: dict[str, Any]
    facts: dict[str, Any]


class Shelf:
    """Reads results by ``STAGE/KEY``.

    Args:
        paths: the project.
        least: results read anew from which on the file is written.
    """

    def __init__(self, paths: RunPaths, least: int = LEAST) -> None:
        self.runs, self.path, self.least = str(paths.runs), paths.finished, least
        self.lines, self.abouts = _load(paths)
        self.numbers = {canonical_json(about): i for i, about in enumerate(self.abouts)}
        self.anew = 0

    def read(self, name: str) -> Found | None:
        """Return a result; None when there is none.

        Raises:
            GolfError: its file is damaged or was written by a newer golf.
        """
        path = f"{self.runs}/{name}/result.json"
        try:
            now = os.stat(path)  # noqa: PTH116 (a Path for each of many takes longer)
        except (FileNotFoundError, NotADirectoryError):
            return None
        stamp = [now.st_ino, now.st_size, now.st_mtime_ns]
        line = self.lines.get(name)
        if line is not None and line[:3] == stamp:
            _, _, _, about, output, inputs, measures = line
            return Kept(measures, inputs, output, *self.abouts[about])
        result = read_result_file(path)
        if result:
            about = self._number([result.environment, result.facts])
            output, inputs, measures = result.output_sha256, result.inputs, result.measures
            self.lines[name] = [*stamp, about, output, inputs, measures]
            self.anew += 1
        return result

    def _number(self, about: list[Any]) -> int:
        """Return the place of what is said of a result, which many share; if new, put it there."""
        text = canonical_json(about)
        if text not in self.numbers:
            self.numbers[text] = len(self.abouts)
            self.abouts.append(about)
        return self.numbers[text]

    def keep(self) -> None:
        """Write the file, if it would spare enough reading; where nobody may write, do without."""
        if self.anew < self.least:
            return
        kept = {"version": VERSION, "abouts": self.abouts, "lines": self.lines}
        with contextlib.suppress(OSError):
            write_text(self.path, json.dumps(kept, separators=(",", ":")))


def _load(paths: RunPaths) -> tuple[Lines, list[Any]]:
    """Return the lines of the file with what they refer to; nothing when it is of no use."""
    try:
        found = read_json(paths.finished)
        lines, abouts = found["lines"], found["abouts"]
        whole = all(len(line) == PARTS and len(abouts[line[3]]) == 2 for line in lines.values())
        if whole and found["version"] == VERSION:
            return lines, abouts
    except (GolfError, TypeError, KeyError, IndexError, AttributeError):
        pass
    return {}, []
