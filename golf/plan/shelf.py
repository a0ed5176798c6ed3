"""Many results from one file, for as long as their own files have not changed.

``runs/finished.json`` repeats what a report needs of every result, beside the inode, size and time
of the result's own file. It is never trusted over the files: each is asked for these three at every
reading, and what differs is read anew. Results appear by rename, so that none can change under the
same inode. A training's curve is written before its result, which vouches for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
from functools import cache
from typing import Any, NamedTuple, Protocol

from golf.errors import GolfError, fail
from golf.files import canonical_json, read_json, write_text
from golf.records import RunPaths, read_result_file

LEAST = 1000  # results read anew that are worth writing the file
VERSION = 3
PARTS = 8  # of a line: inode, size, time, place of its about, output hash, inputs, measures, curve
CURVE = ("step", "train_s", "loss")

Lines = dict[str, list[Any]]
Columns = dict[str, tuple[float, ...]]


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
    """Reads results, and the curves of trainings, by ``STAGE/KEY``.

    Args:
        paths: the project.
        least: results read anew from which on the file is written.
    """

    def __init__(self, paths: RunPaths, least: int = LEAST) -> None:
        self.runs, self.path, self.least = str(paths.runs), paths.finished, least
        self.lines, self.abouts = _load(paths)
        self.numbers = {canonical_json(about): i for i, about in enumerate(self.abouts)}
        self.anew: list[str] = []

    def read(self, name: str) -> Kept | None:
        """Return a result; None when there is none.

        Raises:
            GolfError: its file is damaged or was written by a newer golf.
        """
        path = f"{self.runs}/{name}/result.json"
        try:
            now = os.stat(path)  # noqa: PTH116 (a Path for each of many takes longer)
        except (FileNotFoundError, NotADirectoryError):
            return None
        line = self.lines.get(name)
        if line is None or line[:3] != [now.st_ino, now.st_size, now.st_mtime_ns]:
            line = self._read_anew(name, now)
        if line is None:
            return None
        _, _, _, about, output, inputs, values, _ = line
        environment, facts, names = self.abouts[about]
        return Kept(dict(zip(names, values, strict=True)), inputs, output, environment, facts)

    def _read_anew(self, name: str, now: os.stat_result) -> list[Any] | None:
        result = read_result_file(f"{self.runs}/{name}/result.json")
        if result is None:
            return None
        about = self._number([result.environment, result.facts, list(result.measures)])
        stamp = [now.st_ino, now.st_size, now.st_mtime_ns]
        values = list(result.measures.values())
        self.lines[name] = [*stamp, about, result.output_sha256, result.inputs, values, None]
        self.anew.append(name)
        return self.lines[name]

    def _number(self, about: list[Any]) -> int:
        """Return the place of what is said of a result, which many share; if new, put it there."""
        text = canonical_json(about)
        if text not in self.numbers:
            self.numbers[text] = len(self.abouts)
            self.abouts.append(about)
        return self.numbers[text]

    def curve(self, name: str) -> Columns | None:
        """Return the columns of the curve of a training that was read; None when it has none.

        Raises:
            GolfError: its file is damaged.
        """
        kept = self.lines[name][-1]
        return self._curve_on_disk(name) if kept is None else unpacked(kept)

    def _curve_on_disk(self, name: str) -> Columns | None:
        path = f"{self.runs}/{name}/curve.json"
        found = read_json(path)
        if found is None:
            return None
        try:
            columns = dict(zip(found["columns"], zip(*found["points"], strict=True), strict=False))
            curve = {name: columns[name] for name in CURVE} if found["points"] else None
            packed(curve)
        except (TypeError, KeyError, ValueError, struct.error):
            raise fail(
                "not a training curve", "delete it: it is read by reports alone", path
            ) from None
        return curve

    def keep(self) -> None:
        """Write the file, if it would spare enough reading; where nobody may write, do without."""
        if len(self.anew) < self.least:
            return
        for name in self.anew:
            with contextlib.suppress(GolfError):  # who asks for it will be told
                self.lines[name][-1] = packed(self._curve_on_disk(name))
        kept = {"version": VERSION, "abouts": self.abouts, "lines": self.lines}
        with contextlib.suppress(OSError):
            write_text(self.path, json.dumps(kept, separators=(",", ":")))


def packed(columns: Columns | None) -> str:
    """Return a curve's columns one after the other, in hex; "" for no curve."""
    if columns is None:
        return ""
    numbers = [number for name in CURVE for number in columns[name]]
    return struct.pack(_form(len(columns["step"])), *numbers).hex()


def unpacked(text: str) -> Columns | None:
    """Return the columns that were packed."""
    if not text:
        return None
    data = bytes.fromhex(text)
    n = len(data) // (8 * len(CURVE))
    numbers = struct.unpack(_form(n), data)
    return {"step": numbers[:n], "train_s": numbers[n : 2 * n], "loss": numbers[2 * n :]}


@cache
def _form(points: int) -> str:
    """Return what a curve is packed as: whole steps, then doubles."""
    return f"<{points}q{2 * points}d"


def _load(paths: RunPaths) -> tuple[Lines, list[Any]]:
    """Return the lines of the file with what they refer to; nothing when it is of no use."""
    try:
        found = read_json(paths.finished)
        lines, abouts = found["lines"], found["abouts"]
        whole = all(len(line) == PARTS and len(abouts[line[3]]) == 3 for line in lines.values())
        if whole and found["version"] == VERSION:
            return lines, abouts
    except (GolfError, TypeError, KeyError, IndexError, AttributeError):
        pass
    return {}, []
