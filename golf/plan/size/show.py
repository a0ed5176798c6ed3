"""Predicted bytes in words and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from golf.records import ARTIFACT_LIMIT

if TYPE_CHECKING:
    from golf.plan.size.predict import Size

COLD = "cold: no row of its preset is finished"


def size_json(size: Size | None) -> dict[str, Any]:
    """Return a row's prediction; null where none was asked for."""
    return {
        "predicted_artifact_bytes": size.artifact if size else None,
        "predicted_artifact_doubt_bytes": round(size.doubt) if size else None,
        "predicted_fits": size.fits if size else None,
        "predicted_fits_surely": size.certain if size else None,
        "predicted_bytes_from_rows": size.rows if size else None,
    }


def size_words(size: Size) -> str:
    """Return bytes, the doubt in them and the mark: in or over, with ? where it may be either."""
    mark = ("✅" if size.fits else "❌") + (" " if size.certain else "?")
    return f"{size.artifact:>12,} B ±{100 * size.doubt / size.artifact:4.1f} % fits {mark} "


def size_lines(sizes: Iterable[Size]) -> Iterator[str]:
    """Yield how many rows fit, and what their sizes are told from."""
    found = list(sizes)
    if not found:
        return
    fitting = sum(s.fits for s in found)
    doubtful = sum(not s.certain for s in found)
    marks = f"{doubtful} mark{'s' if doubtful > 1 else ''} with ? may be wrong"
    yield f"bytes: {fitting} of {len(found)} rows fit {ARTIFACT_LIMIT:,}" + (
        f"; {marks}" if doubtful else ""
    )
    for rows, number in sorted(Counter(s.rows for s in found).items()):
        yield f"  {_rows(number)} {_source(rows)}"


def _source(rows: int) -> str:
    return f"told from {_rows(rows, 'finished ')} of their preset" if rows else COLD


def _rows(number: int, what: str = "") -> str:
    return f"{number} {what}row{'s' if number != 1 else ''}"
