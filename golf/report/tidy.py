"""Numbers that someone already has: tidy rows of a file to a study.

One line per row and seed, one column per measure. Columns are known by the field's usual names;
a column that names a factor is a setting, and any other numeric column a measure of its own.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from golf.config.names import find_knob
from golf.errors import GolfError, did_you_mean, fail
from golf.logs.summary import COLUMNS as AUTORESEARCH
from golf.report.published import published_notes
from golf.report.study import CONDITIONS, MEASURES, SCORES, Study, StudyRow

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
}
ALIASES: dict[str, tuple[str, float]] = {
    **{alias: (name, 1) for name, aliases in CALLED.items() for alias in aliases},
    "artifact_mib": ("artifact_bytes", 2**20),
    "train_time_ms": ("train_s", 1e-3),
    "memory_gb": ("peak_memory_mb", 1e3),
}
MOST_BPB = 100  # bits per byte; a guess among all bytes has 8
PUBLISHED = ("delta", "artifact_mb")  # held against the numbers, never used as numbers


def read_tidy(path: Path, baseline: str = "") -> Study:
    """Return the study of a CSV, JSONL or TSV file.

    Args:
        path: the file; its ending says what it is.
        baseline: the row that all rows without a ``parent`` are compared with; by default the
            one called so, or else the first.

    Raises:
        GolfError: what is wrong with the file, with its line.
    """
    lines = [_known(path, n, raw) for n, raw in _records(path)]
    if not lines:
        raise fail("no rows", "the first line names the columns: row, seed, ...", str(path))
    names = list(dict.fromkeys(line["row"] for line in lines))
    base = baseline or next((n for n in names if n == "baseline"), names[0])
    if base not in names:
        raise fail(f"no row {base!r}", did_you_mean(base, names) or f"there are {', '.join(names)}")
    _number_seeds(path, lines)
    rows = _rows(path, lines, base)
    known = {*WORDS, *MEASURES, *CONDITIONS, *PUBLISHED, "line"}
    others = [n for n in dict.fromkeys(n for x in lines for n in x) if n not in known]
    measures = [n for n in others if any(isinstance(x.get(n), float) for x in lines)]
    return Study(
        name=path.stem,
        rows=rows,
        lines=tuple(_line(x) for x in lines),
        notes=tuple(published_notes(rows, lines)),
        others=tuple(m for m in measures if not _is_knob(m) and "_bpb " not in m),
    )


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
    if path.suffix in (".jsonl", ".ndjson"):
        yield from _json_lines(path, text)
        return
    reader = csv.DictReader(io.StringIO(text), delimiter="\t" if path.suffix == ".tsv" else ",")
    _check_columns(path, 1, reader.fieldnames or ())
    for raw in reader:
        if None in raw:
            raise fail(
                "more cells than columns",
                "quote cells that hold commas",
                _at(path, reader.line_num),
            )
        yield reader.line_num, raw


def _json_lines(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for n, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
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
        name = _canonical(name) if _is_knob(name) else name
        if name in seen:
            what = f"columns {seen[name]!r} and {written!r} both mean {name}"
            raise fail(what, "keep one, or give one a name of its own", _at(path, number))
        seen[name] = written


def _column(written: str) -> tuple[str, float]:
    """Return golf's name of a column, and the factor to golf's unit."""
    name, factor = ALIASES.get(written.strip().lower(), (written.strip(), 1.0))
    return (name.lower() if name.lower() in (*WORDS, *MEASURES) else name), factor


def _at(path: Path, line: int) -> str:
    return f"{path}:{line}"


def _known(path: Path, number: int, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record under golf's names, numbers as numbers."""
    line: dict[str, Any] = {"line": number}
    if set(AUTORESEARCH) <= set(raw):
        raw = _autoresearch(raw)
    for written, value in raw.items():
        name, factor = _column(written)
        text = "" if value is None else str(value).strip()
        if name in WORDS or name in CONDITIONS:
            line[name] = text
        elif name in (*MEASURES, *PUBLISHED) or "_bpb " in name:
            line[name] = _number(_at(path, number), written, name, text, factor)
        elif text.lower() not in MISSING:
            line[name] = _value(text)
    if not line.get("row"):
        hint = "every line names its row in a column `row`"
        raise fail("no row", hint, _at(path, number))
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


def _number(at: str, column: str, name: str, text: str, factor: float) -> float | None:
    if text.lower() in MISSING:
        return None
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text).replace("−", "-").lstrip("~+")
    try:
        value = float(plain) * factor
    except ValueError:
        raise fail(f"{column} wants a number, found {text!r}", "", at) from None
    if not math.isfinite(value):
        raise fail(f"{column} wants a finite number, found {text!r}", "", at)
    if (name in SCORES or "_bpb " in name) and not 0 < value < MOST_BPB:
        hint = f"above 0 and below {MOST_BPB}, with a decimal point; empty where there is none"
        raise fail(f"{column} wants bits per byte, found {text!r}", hint, at)
    if name in MEASURES and value < 0:
        raise fail(f"{column} wants a number that is not below 0, found {text!r}", "", at)
    return value


def _value(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _number_seeds(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Give lines without a seed the next free one of their row.

    Raises:
        GolfError: a seed that is no whole number, or is there twice.
    """
    seen: dict[str, set[int]] = {}
    for line in lines:
        text = re.sub(r"\.0+$", "", str(line.get("seed", "")))  # as pandas writes whole numbers
        taken = seen.setdefault(line["row"], set())
        if text and not re.fullmatch(r"-?\d+", text):
            raise fail(f"seed wants a whole number, found {text!r}", "", _at(path, line["line"]))
        seed = int(text) if text else next(n for n in range(len(taken) + 1) if n not in taken)
        if seed in taken:
            what = f"row {line['row']!r} has seed {seed} more than once"
            raise fail(what, "one line per row and seed", _at(path, line["line"]))
        taken.add(seed)
        line["seed"] = seed


def _rows(path: Path, lines: Sequence[Mapping[str, Any]], base: str) -> tuple[StudyRow, ...]:
    first = {line["row"]: line for line in reversed(lines)}
    order = list(dict.fromkeys(line["row"] for line in lines))
    settings = {
        name: {_canonical(n): v for n, v in line.items() if _is_knob(n)}
        for name, line in first.items()
    }
    rows = []
    for name in sorted(order, key=lambda n: n != base):
        line = first[name]
        parent = line.get("parent") or ("" if name == base else base)
        if parent and parent not in first:
            hint = did_you_mean(parent, order) or f"there are {', '.join(order)}"
            raise fail(
                f"row {name!r} names an unknown parent {parent!r}", hint, _at(path, line["line"])
            )
        words = {w: line[w] for w in WORDS if w not in ("row", "seed", "parent") and w in line}
        theirs = settings.get(parent, settings[name])
        own = {n: v for n, v in settings[name].items() if theirs.get(n) != v}
        rows.append(StudyRow(name, parent=parent, settings=settings[name], own=own, **words))
    return tuple(rows)


@cache
def _is_knob(name: str) -> bool:
    try:
        return name not in WORDS and name not in MEASURES and bool(find_knob(name))
    except GolfError:
        return False


@cache
def _canonical(name: str) -> str:
    return find_knob(name).name


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line without its words; it is complete when it has a measure."""
    kept = {n: v for n, v in line.items() if n not in WORDS or n in ("row", "seed")}
    if kept.get("artifact_bytes") is None and kept.get("artifact_mb") is not None:
        kept["artifact_bytes"] = kept["artifact_mb"] * 1e6
    measured = any(isinstance(v, float) for n, v in kept.items() if n not in PUBLISHED)
    return {**dict.fromkeys(MEASURES), **kept, "complete": measured}
