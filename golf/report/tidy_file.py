"""A CSV, TSV or JSONL file to entries under golf's names: numbers as numbers, words as words.

Columns are known by the field's usual names; a column that names a factor is a setting.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from golf.config.names import find_knob
from golf.config.values import listed
from golf.errors import GolfError, fail
from golf.logs.summary import COLUMNS as AUTORESEARCH
from golf.report.study import CONDITIONS, MEASURES, is_score
from golf.statistics.delta import Printed

WORDS = ("row", "seed", "change", "parent", "note", "expect", "why", "priority", "tags", "status")
MISSING = {"", "-", "—", "–", "n/a", "na", "nan", "none", "null"}
# Other names of columns, in lower case; below, with the factor to golf's unit.
CALLED = {
    "row": ("name", "experiment", "#"),
    "pre_bpb": ("pre", "pre_quant", "pre-quant", "pre_quant_bpb"),
    "post_bpb": ("post", "post_quant", "post-quant", "post_quant_bpb", "val_bpb", "bpb"),
    "ttt_bpb": ("ttt", "post_ttt", "post-ttt", "post_ttt_bpb"),
    "artifact_bytes": ("bytes", "artifact", "bytes_total"),
    "code_bytes": ("bytes_code",),
    "step_ms": ("step_avg_ms", "ms/step"),
    "train_s": ("train_time_s",),
    "parameters": ("params", "model_params"),
    "delta": ("δ",),
}
ALIASES: dict[str, tuple[str, float]] = {
    **{alias: (name, 1) for name, aliases in CALLED.items() for alias in aliases},
    "train_time_ms": ("train_s", 1e-3),
    "memory_gb": ("peak_memory_mb", 1e3),
}
ROUNDED = {"artifact_mb": 1e6, "artifact_mib": 2**20}  # bytes of a unit
PUBLISHED = ("delta", *ROUNDED)  # held against the numbers, never used as exact ones
MOST_BPB = 100  # bits per byte; a guess among all bytes has 8
LEAST_ARTIFACT = 1000  # bytes; what is below was meant as another unit
LARGEST = 1e100  # of a measure; squares stay finite


class Entry(NamedTuple):
    """One line of a file: where it stands, and what it says under golf's names."""

    at: str
    told: dict[str, Any]


def read_entries(path: Path) -> list[Entry]:
    """Return what every line of a file says.

    Raises:
        GolfError: what is wrong with the file, with its line.
    """
    return [Entry(_at(path, n), _known(_at(path, n), raw)) for n, raw in _records(path)]


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield line number and columns of every record.

    Raises:
        GolfError: the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise fail(f"cannot be read: {error.strerror}", "", str(path)) from None
    except UnicodeDecodeError:
        raise fail("not a text file", "", str(path)) from None
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        yield from _json_lines(path, text)
        return
    csv.field_size_limit(sys.maxsize)
    sign = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=sign, strict=True)
    try:
        yield from _separated(path, reader)
    except csv.Error as error:
        hint = "is a quotation mark left open?"
        raise fail(f"not a table: {error}", hint, _at(path, reader.reader.line_num)) from None


def _separated(path: Path, reader: csv.DictReader[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    columns = reader.fieldnames or ()
    _check_columns(path, 1, columns)
    if columns and not any(_column(c)[0] in ("row", "commit") for c in columns):
        other = next((s for s in ";\t|" if any(s in c for c in columns)), "")
        told = (
            f"they seem to be separated by {other!r}" if other else f"there are {listed(columns)}"
        )
        hint = f"the first line names the columns, commas between them; {told}"
        raise fail("no column `row`", hint, _at(path, 1))
    for raw in reader:
        if None in raw:
            hint = "quote cells that hold commas"
            raise fail("more cells than columns", hint, _at(path, reader.line_num))
        yield reader.line_num, raw


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for n, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line, parse_float=str)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise fail("not a JSON object", 'for example {"row": "base", "seed": 1}', _at(path, n))
        _check_columns(path, n, list(found))
        yield n, found


def _check_columns(path: Path, number: int, columns: Sequence[str]) -> None:
    """Raise a ``GolfError`` where two columns would be one."""
    seen: dict[str, str] = {}
    for written in filter(None, columns):
        name = _column(written)[0]
        name = canonical(name) if is_knob(name) else name
        if name in seen and "#" not in (written.strip(), seen[name].strip()):
            what = f"columns {seen[name]!r} and {written!r} both mean {name}"
            raise fail(what, "keep one, or give one a name of its own", _at(path, number))
        seen[name] = written


def _column(written: str) -> tuple[str, float]:
    """Return golf's name of a column, and the factor to golf's unit."""
    name, factor = ALIASES.get(written.strip().lower(), (written.strip(), 1.0))
    own = (*WORDS, *MEASURES, *PUBLISHED)
    return (name.lower() if name.lower() in own else name), factor


def _at(path: Path, line: int) -> str:
    return f"{path}:{line}"


def _known(at: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record under golf's names, numbers as numbers."""
    line: dict[str, Any] = {}
    if set(AUTORESEARCH) <= set(raw):
        raw = _autoresearch(raw)
    for written, value in raw.items():
        name, factor = _column(written)
        text = "" if value is None else str(value).strip()
        if name in WORDS or name in CONDITIONS:
            counts = written.strip() == "#"  # lines, where another column names the row
            line[name] = line.get(name) or text if counts else text or line.get(name, "")
        elif name in (*MEASURES, *PUBLISHED) or is_score(name):
            line[name] = _number(at, written, name, text, factor)
        elif name and text.lower() not in MISSING:
            line[name] = _value(at, written, text)
    if not line.get("row"):
        raise fail("no row", "every line names its row in a column `row`", at)
    return line


def _autoresearch(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of ``results.tsv``: nothing is quantized there, and a crash has no score."""
    crashed = raw["status"] == "crash"
    return {
        "row": raw["commit"],
        "commit": raw["commit"],
        "change": raw["description"],
        "note": raw["status"],
        "status": raw["status"],
        "pre_bpb": "" if crashed else raw["val_bpb"],
        "memory_gb": "" if crashed else raw["memory_gb"],
    }


def _plain(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text).replace("−", "-").lstrip("~+")


def _number(at: str, column: str, name: str, text: str, factor: float) -> float | None:
    if text.lower() in MISSING:
        return None
    try:
        value = Printed(_plain(text))
    except ValueError:
        raise fail(f"{column} wants a number, found {text!r}", "", at) from None
    _check_size(at, column, value, text)
    if is_score(name) and not 0 < value < MOST_BPB:
        hint = f"above 0 and below {MOST_BPB}, with a decimal point; empty where there is none"
        raise fail(f"{column} wants bits per byte, found {text!r}", hint, at)
    if name in MEASURES and value < 0:
        raise fail(f"{column} wants a number that is not below 0, found {text!r}", "", at)
    if name == "artifact_bytes" and value < LEAST_ARTIFACT:
        hint = "megabytes have a column of their own, artifact_mb or artifact_mib"
        raise fail(f"{column} wants bytes, found {text!r}", hint, at)
    return value if factor == 1 else value * factor


def _check_size(at: str, column: str, value: float, text: str) -> None:
    if not math.isfinite(value):
        raise fail(f"{column} wants a finite number, found {text!r}", "", at)
    if abs(value) > LARGEST:
        raise fail(f"{column} wants a number within ±{LARGEST:g}, found {text!r}", "", at)


def _value(at: str, column: str, text: str) -> Any:
    try:
        value = float(_plain(text))
    except ValueError:
        return text
    _check_size(at, column, value, text)
    return value


@cache
def is_knob(name: str) -> bool:
    """Say whether a column is a setting."""
    try:
        return name not in WORDS and name not in MEASURES and bool(find_knob(name))
    except GolfError:
        return False


@cache
def canonical(name: str) -> str:
    """Return the whole name of a setting."""
    return find_knob(name).name
