"""Numbers that someone already has: tidy rows of a file to a study.

One line per row and seed, one column per measure; any numeric column that golf has no name for is a
measure of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from golf.config.values import listed
from golf.errors import did_you_mean, fail
from golf.report.published import published_notes
from golf.report.study import (
    CONDITIONS,
    MEASURES,
    ROUNDED_SIZE,
    SEEDLESS,
    Rounded,
    Study,
    StudyRow,
    is_score,
)
from golf.report.tidy_file import (
    PUBLISHED,
    ROUNDED,
    WORDS,
    Entry,
    canonical,
    is_knob,
    read_entries,
)
from golf.statistics.delta import Printed

WHOLE = re.compile(r"(-?\d{1,18})(?:\.0+)?")  # pandas writes whole numbers with a point


def read_tidy(path: Path, baseline: str = "") -> Study:
    """Return the study of a CSV, JSONL or TSV file.

    Args:
        path: the file; its ending says what it is.
        baseline: the row that all rows without a ``parent`` are compared with; by default the
            one called so, or else the first.

    Raises:
        GolfError: what is wrong with the file, with its line.
    """
    entries = read_entries(path)
    if not entries:
        raise fail("no rows", "the first line names the columns: row, seed, ...", str(path))
    _name_commits(entries)
    lines = [told for _, told in entries]
    names = list(dict.fromkeys(line["row"] for line in lines))
    base = baseline or next((n for n in names if n == "baseline"), names[0])
    if base not in names:
        raise fail(f"no row {base!r}", did_you_mean(base, names) or f"there are {', '.join(names)}")
    _number_seeds(entries)
    rows = _rows(entries, base)
    measures, mixed = _own_measures(lines)
    return Study(
        name=path.stem,
        rows=rows,
        lines=tuple(_line(x) for x in lines),
        notes=(*published_notes(rows, lines), *_seedless_note(lines), *mixed),
        others=tuple(measures),
    )


def _name_commits(entries: Sequence[Entry]) -> None:
    """Name rows of ``results.tsv`` by what they are where the commit tells several of them apart.

    Lines of one commit and one description are the same row, run again.
    """
    lines = [told for _, told in entries if told["row"] == told.get("commit")]
    kinds: dict[str, set[str]] = {}
    for told in lines:
        kinds.setdefault(told["commit"], set()).add(told.get("change", ""))
    for told in lines:
        if len(kinds[told["commit"]]) > 1 or told["commit"] == "-":
            told["row"] = told.get("change") or f"{told['commit']} without a description"


def _own_measures(lines: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the columns of numbers that golf has no name for, and what is said of the others."""
    known = {*WORDS, *MEASURES, *CONDITIONS, *PUBLISHED, SEEDLESS}
    columns = dict.fromkeys(n for x in lines for n in x if n not in known)
    measures, mixed = [], []
    for name in columns:
        if is_knob(name) or is_score(name):
            continue
        words = [x[name] for x in lines if isinstance(x.get(name), str)]
        if not words:
            measures.append(name)
        elif any(isinstance(x.get(name), float) for x in lines):
            mixed.append(f"Column {name} is left out: among its numbers stands {words[0]!r}.")
    return measures, mixed


def _number_seeds(entries: Sequence[Entry]) -> None:
    """Give lines without a seed numbers that no other line has, so that nothing pairs them.

    Raises:
        GolfError: a seed that is no whole number, or is there twice.
    """
    seen: set[tuple[str, int]] = set()
    for at, line in entries:
        text = str(line.get("seed", ""))
        if not text:
            continue
        whole = WHOLE.fullmatch(text)
        if not whole:
            raise fail(f"seed wants a whole number, found {text!r}", "", at)
        line["seed"] = int(whole[1])
        if (line["row"], line["seed"]) in seen:
            what = f"row {line['row']!r} has seed {line['seed']} more than once"
            raise fail(what, "one line per row and seed", at)
        seen.add((line["row"], line["seed"]))
    free = max((seed for _, seed in seen), default=-1) + 1
    for i, (_, line) in enumerate(e for e in entries if not isinstance(e.told.get("seed"), int)):
        line |= {"seed": free + i, SEEDLESS: True}


def _seedless_note(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    number = Counter(x["row"] for x in lines if x.get(SEEDLESS))
    repeated = [row for row, n in number.items() if n > 1]
    if repeated:
        yield (
            f"No seeds in the source for {listed(repeated, 4)}: their lines are numbered, and "
            "compared unpaired."
        )


def _rows(entries: Sequence[Entry], base: str) -> tuple[StudyRow, ...]:
    merged = _merged(entries)
    settings = {
        name: {canonical(n): v for n, v in line.items() if is_knob(n)}
        for name, (_, line) in merged.items()
    }
    parents = {n: e.told.get("parent") or ("" if n == base else base) for n, e in merged.items()}
    _check_parents(merged, parents)
    rows = []
    for name in sorted(merged, key=lambda n: n != base):
        line, parent = merged[name].told, parents[name]
        words = {w: line[w] for w in WORDS if w not in ("row", "seed", "parent") and w in line}
        theirs = settings.get(parent, settings[name])
        own = {n: v for n, v in settings[name].items() if theirs.get(n) != v}
        rows.append(StudyRow(name, parent=parent, settings=settings[name], own=own, **words))
    return tuple(rows)


def _merged(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return what the lines of each row say together: of each column the first word.

    Raises:
        GolfError: lines of a row that name two parents, or two values of a setting.
    """
    merged: dict[str, Entry] = {}
    for at, line in entries:
        known = merged.setdefault(line["row"], Entry(at, {})).told
        for name, value in line.items():
            before = known.get(name)
            if before in (None, ""):
                known[name] = value
            elif value not in (before, None, "") and (name == "parent" or is_knob(name)):
                what = f"row {line['row']!r} has {name} {value!r} here and {before!r} above"
                raise fail(what, "settings and parent are those of all lines of a row", at)
    return merged


def _check_parents(merged: Mapping[str, Entry], parents: Mapping[str, str]) -> None:
    """Raise a ``GolfError`` for a parent that is not there, or a row that builds on itself."""
    for name, parent in parents.items():
        if parent and parent not in parents:
            hint = did_you_mean(parent, parents) or f"there are {', '.join(parents)}"
            what = f"row {name!r} names an unknown parent {parent!r}"
            raise fail(what, hint, merged[name].at)
    grounded = {""}
    for first in parents:
        line: dict[str, None] = {}
        name = first
        while name not in grounded:
            if name in line:
                what = f"row {name!r} builds on itself: {' → '.join([*line, name])}"
                hint = "a row's parent is the row that it is compared with"
                raise fail(what, hint, merged[name].at)
            line[name] = None
            name = parents[name]
        grounded |= line.keys()


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line without its words; it is complete when it has a measure."""
    kept = {n: v for n, v in line.items() if n not in WORDS or n in ("row", "seed")}
    for name, unit in ROUNDED.items():
        size = kept.get(name)
        if isinstance(size, Printed) and kept.get("artifact_bytes") is None:
            kept[ROUNDED_SIZE] = Rounded(size * unit, 0.5 * 10.0**-size.decimals * unit)
    measured = any(isinstance(v, float) for n, v in kept.items() if n not in PUBLISHED)
    return {**dict.fromkeys(MEASURES), **kept, "complete": measured or ROUNDED_SIZE in kept}
