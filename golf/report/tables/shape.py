"""The one shape of all tables, and how numbers are written in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import itemgetter

from golf.frozen import Frozen
from golf.report.table import Spread

DASH = "—"
MINUS = "−"


class Table(Frozen):
    """Rows of plain text under headings; nothing is escaped yet.

    Attributes:
        name: short name, for anchors and file names.
        title: heading above the table; "" for none.
        left: leading columns that hold words.
        notes: sentences below the table.
        long: whether readers may want it folded.
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1
    notes: tuple[str, ...] = ()
    long: bool = False


def table_of(
    name: str,
    title: str,
    lines: Iterable[Mapping[str, str]],
    left: int = 1,
    notes: tuple[str, ...] = (),
    long: bool = False,
) -> Table | None:
    """Return a table of lines that all have the same keys; None without lines."""
    found = list(lines)
    if not found:
        return None
    rows = tuple(tuple(line.values()) for line in found)
    return Table(name, title, tuple(found[0]), rows, left, notes, long)


def without_empty(table: Table | None) -> Table | None:
    """Return the table without columns of dashes alone; None when only its words remain."""
    if table is None:
        return None
    kept = [
        i
        for i in range(len(table.columns))
        if i < table.left or any(row[i] != DASH for row in table.rows)
    ]
    if len(kept) == table.left:
        return None
    pick = itemgetter(*kept)
    return replace(table, columns=pick(table.columns), rows=tuple(map(pick, table.rows)))


def score(value: float | None) -> str:
    """Return bits per byte with four decimals."""
    return DASH if value is None else f"{value:.4f}"


def with_std(s: Spread) -> str:
    """Return the mean, with the sample standard deviation where there is one."""
    return score(s.mean) + (f" ± {s.std:.4f}" if s.std is not None else "")


def general(s: Spread) -> str:
    """Return mean and deviation of a measure of unknown size."""
    if s.mean is None:
        return DASH
    return f"{s.mean:.6g}" + (f" ± {s.std:.2g}" if s.std is not None else "")


def signed(value: float | None) -> str:
    """Return a difference with its sign; what is not zero is not written as zero.

    Below 1e-12 bits lies the rounding of sums, and that is zero.
    """
    if value is None:
        return DASH
    value = value if abs(value) > 1e-12 else 0.0
    text = f"{value:+.4f}"
    if value and not float(text):
        text = f"{value:+.1e}"
    return text.replace("-", MINUS)


def interval(bounds: tuple[float, float] | None) -> str:
    """Return both ends of an interval with their signs."""
    return DASH if bounds is None else f"{signed(bounds[0])} to {signed(bounds[1])}"


THRESHOLDS = (0.01, 0.05)


def p_value(p: float | None, level: float = THRESHOLDS[0]) -> str:
    """Return a p-value; rounding never carries it over a usual threshold or ``level``."""
    if p is None:
        return DASH
    if p < 1e-4:
        return f"{p:.0e}"
    for digits in range(2, 17):
        text = f"{p:.{digits}g}"
        if all((float(text) < t) == (p < t) for t in (*THRESHOLDS, level)):
            return text
    return repr(p)


def number(value: float | None, form: str) -> str:
    """Return a value in a format of its own, or a dash."""
    return DASH if value is None else format(value, form)


def plural(count: int, noun: str) -> str:
    """Return a number of things; one has no s."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def megabytes(count: float) -> str:
    """Return decimal megabytes and exact bytes; never MiB."""
    return f"{count / 1e6:.2f} MB ({count:,.0f})"
