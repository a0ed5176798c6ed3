"""``golf report --verify``: a pasted table against what the results say now."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from golf.frozen import Frozen
from golf.report.pasted import read_tables
from golf.report.sections import blocks
from golf.report.table import Analysis
from golf.report.tables.shape import DASH, Table

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d{1,2})?"
AMOUNT = re.compile(rf"({NUMBER})(?:\s?(bytes?|[kmgt]?i?b)\b)?", re.IGNORECASE)
EXACT = re.compile(r"(?<=B )\(([\d,]+)\)")  # the bytes behind a rounded size
BYTES = {"b", "byte", "bytes"}
MARKS = frozenset("✅❌")
SPREAD = re.compile(r"([-+\d.]+) ± ([\d.]+)")
SAME = {
    "experiment": "row", "name": "row", "95% ci": "95 % interval",
    "pre": "pre-quant", "post": "post-quant", "ttt": "post-ttt",
}  # fmt: skip
DELTA = re.compile(r"(?:δ|delta)(?: (?!vs )(.*?))?(?: vs .*)?")
Amount = tuple[str, str]  # number, unit
Cell = tuple[str, str, str, str]  # row, column, pasted, found
Matched = tuple[str, Sequence[str], Sequence[str]]  # name of a line, pasted, found
KEYS = ("row", "seed", "against", "value")  # columns that say which line it is


class Difference(Frozen):
    """A cell that says something else than the results."""

    row: str
    column: str
    pasted: str
    found: str
    note: str = ""

    def __str__(self) -> str:
        told = f" ({self.note})" if self.note else ""
        cell = f"{self.row} | {self.column}"
        return f"{cell}: the table says {self.pasted}, the results {self.found}{told}"


class Verification(Frozen):
    """What became of every cell of a pasted text.

    Attributes:
        checked: cells that were held against a number of the results.
        unknown: rows and columns that the results know nothing of.
    """

    checked: int
    differences: tuple[Difference, ...]
    unknown: tuple[str, ...]


def verify(text: str, analysis: Analysis) -> Verification:
    """Hold every table of a markdown text against the tables of a report.

    A pasted table is recognised by its headings; its rows by their names. Fewer decimals are no
    difference as long as they round to the same. A Δ whose heading names no score is held against
    the Δ of that score which fits its column best.
    """
    ours = [t for block in blocks(analysis) for t in block.tables]
    checked, differences, unknown = 0, [], []
    for title, pasted in read_tables(text):
        table = _closest(title, pasted, ours)
        if table is None:
            unknown.append("table " + " | ".join(pasted[0]))
            continue
        cells, lost = _pairs(pasted, table)
        unknown += lost
        for row, column, mine, theirs in cells:
            checked += 1
            if not _equal(mine, theirs):
                note = _note(analysis, row, mine, theirs)
                differences.append(Difference(row, column, mine, theirs, note))
    return Verification(checked, tuple(differences), tuple(dict.fromkeys(unknown)))


def _heading(text: str) -> str:
    """Return what a column holds; of a Δ also its score, where that is named."""
    name = re.sub(r"\s*\(?bpb\)?$", "", text.strip().lower())
    delta = DELTA.fullmatch(name)
    if delta:
        return f"Δ {SAME.get(delta[1], delta[1])}" if delta[1] else "Δ"
    return SAME.get(name, name)


def _closest(title: str, pasted: Sequence[Sequence[str]], ours: Sequence[Table]) -> Table | None:
    """Return the table that shares most headings and rows with the pasted one."""
    headings = {_heading(h) for h in pasted[0]}
    names = {line[i] for line in pasted[1:] for i in (0, 1) if len(line) > i}

    def likeness(table: Table) -> tuple[int, bool, int]:
        columns = {_heading(c) for c in table.columns}
        columns |= {"Δ" for c in columns if c.startswith("Δ ")}
        shared = headings & columns
        here = {" ".join(cell.split()) for row in table.rows for cell in row[:2]}
        return len(shared), table.title == title, len(names & here)

    best = max(ours, key=likeness, default=None)
    if best is None or likeness(best)[0] < 2 or not likeness(best)[2]:
        return None
    return best


def _pairs(pasted: Sequence[Sequence[str]], table: Table) -> tuple[list[Cell], list[str]]:
    """Return every cell that both have, and the columns and rows that only the pasted one has."""
    heads = [_heading(c) for c in pasted[0]]
    theirs = {_heading(c): i for i, c in reversed(list(enumerate(table.columns)))}
    keys = {i: theirs[h] for i, h in enumerate(heads) if h in KEYS and h in theirs}
    lines, lost = _lines(pasted[1:], keys, table)
    places = {i: _place(i, h, lines, theirs) for i, h in enumerate(heads) if i not in keys}
    unknown = [f"column {pasted[0][i]}" for i, p in places.items() if pasted[0][i] and p is None]
    found = [
        (name, pasted[0][i], line[i], match[place])
        for name, line, match in lines
        for i, place in places.items()
        if place is not None and i < len(line)
    ]
    return found, unknown + lost


def _lines(
    pasted: Sequence[Sequence[str]], keys: Mapping[int, int], table: Table
) -> tuple[list[Matched], list[str]]:
    """Return the lines that both have, and the names of those that only the pasted one has.

    Of several lines of one name the one that shares most cells is meant.
    """
    found: list[Matched] = []
    lost = []
    for line in pasted:
        told = {place: line[i] for i, place in keys.items() if i < len(line)}
        ways = [r for r in table.rows if _matches(r, told)]
        alike = [len({*line} & {" ".join(c.split()) for c in r}) for r in ways]
        match = ways[alike.index(max(alike))] if ways else None
        if match is None:
            lost.append(f"row {line[0]}")
        else:
            found.append((" ".join(told.values()), line, match))
    return found, lost


def _place(i: int, head: str, lines: Sequence[Matched], theirs: Mapping[str, int]) -> int | None:
    """Return the column of the results that a pasted one is held against; None without one."""
    deltas = sorted(p for h, p in theirs.items() if h.startswith("Δ"))
    places = deltas if head == "Δ" else [theirs[head]] if head in theirs else []

    def agreeing(place: int) -> int:
        there = [(line[i], match[place]) for _, line, match in lines if i < len(line)]
        return sum(_equal(mine, found) for mine, found in there)

    return max(places, key=agreeing, default=None)


def _matches(row: Sequence[str], keys: Mapping[int, str]) -> bool:
    return bool(keys) and all(" ".join(row[i].split()) == text for i, text in keys.items())


def _bare(text: str) -> str:
    return " ".join(text.replace("−", "-").replace("–", "-").replace(DASH, "").split())


def _equal(mine: str, theirs: str) -> bool:
    """Compare words as words, marks and units that were pasted, and numbers at their decimals."""
    mine, theirs = _bare(mine), _bare(theirs)
    if mine == theirs or (mine in ("-", "n/a") and not theirs):
        return True
    marks = MARKS & set(mine)
    if not marks <= set(theirs):
        return False
    told = AMOUNT.findall(mine)
    if not told:
        return mine in marks
    known = AMOUNT.findall(EXACT.sub(r"(\1 bytes)", theirs))
    return any(
        len(told) <= len(way) and all(_same(a, b) for a, b in zip(told, way, strict=False))
        for way in (known, [a for a in known if a[1] == "bytes"])
    )


def _same(pasted: Amount, found: Amount) -> bool:
    """Say whether a number is another, and its unit where both name one."""
    units = {pasted[1].lower(), found[1].lower()} - {""}
    return _rounds(pasted[0], found[0]) and (len(units) < 2 or units <= BYTES)


def _rounds(pasted: str, found: str) -> bool:
    """Say whether ``found`` rounds to ``pasted``; more decimals than found are not known."""
    decimals, known = _decimals(pasted), _decimals(found)
    a, b = (float(x.replace(",", "")) for x in (pasted, found))
    half = 0.5 * 10.0 ** -min(decimals, known)
    return a == b if decimals == known else abs(a - b) <= half * (1 + 1e-9)


def _decimals(number: str) -> int:
    digits, _, power = number.lower().partition("e")
    return len(digits.partition(".")[2]) - int(power or 0)


def _note(analysis: Analysis, row: str, mine: str, theirs: str) -> str:
    """Say where a wrong deviation comes from, if it is the other kind of deviation."""
    pasted, found = SPREAD.search(_bare(mine)), SPREAD.search(_bare(theirs))
    counts: Mapping[str, int] = {r.row: r.n for r in analysis.table}
    n = counts.get(row, 0)
    if not pasted or not found or n < 2:
        return ""
    if _rounds(pasted[2], found[2]):
        return ""
    population = float(found[2]) * math.sqrt((n - 1) / n)
    step = 10.0 ** -len(pasted[2].partition(".")[2])
    if abs(population - float(pasted[2])) <= step:
        return "that is the population deviation; the sample deviation divides by n - 1"
    return ""


def told(found: Verification) -> str:
    """Return the outcome for the terminal."""
    lines = [str(d) for d in found.differences]
    lines += [f"not checked: {u}" for u in found.unknown]
    lines.append(f"{found.checked} cells checked, {len(found.differences)} differ")
    return "\n".join(lines)
