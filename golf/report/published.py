"""Traps of published tables: said in a note, never silently followed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from golf.report.study import SCORES, StudyRow
from golf.statistics.delta import Printed, mean

MEBI = 2**20
CLOSE = 0.006  # of the last printed digit of a size in MB


def published_notes(rows: Sequence[StudyRow], lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what does not fit between a file's numbers and its derived columns."""
    yield from _sizes(lines)
    yield from _deltas(rows, lines)


def _sizes(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield rows whose megabytes are not the decimal ones of their bytes."""
    binary: list[str] = []
    other: list[str] = []
    for line in lines:
        size, told = line.get("artifact_bytes"), line.get("artifact_mb")
        if size is None or told is None or abs(size / 1e6 - told) <= CLOSE:
            continue
        (binary if abs(size / MEBI - told) <= CLOSE else other).append(
            f"{line['row']} ({told:g} for {size:,.0f} bytes)"
        )
    if binary:
        yield (
            "The source mixes units: these sizes are MiB beside decimal MB in the others: "
            f"{', '.join(binary)}. Tables here use bytes and decimal MB."
        )
    if other:
        yield f"Sizes that do not fit their bytes: {', '.join(other)}."


def _deltas(rows: Sequence[StudyRow], lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield published deltas that fit another row, or another score, than the one named."""
    published: dict[str, Printed] = {
        x["row"]: x["delta"] for x in reversed(lines) if x.get("delta") is not None
    }
    means = _means(lines) if published else {}
    for row in rows:
        told = published.get(row.name)
        if told is None or not row.parent:
            continue
        tolerance = 0.5 * 10.0**-told.decimals + 1e-4
        fits = [
            (other, s)
            for other in means
            for s in reversed(SCORES)
            if other != row.name and _fits(means[row.name], means[other], s, told, tolerance)
        ]
        if fits and not any(other == row.parent for other, _ in fits):
            yield (
                f"{row.name}: the published delta {told:+g} is against {fits[0][0]}, not against "
                f"{row.parent}."
            )
        elif not fits:
            yield f"{row.name}: the published delta {told:+g} fits no other row of the table."


def _means(lines: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, list[float]]] = {}
    for line in lines:
        mine = values.setdefault(line["row"], {})
        for score in SCORES:
            if line.get(score) is not None:
                mine.setdefault(score, []).append(float(line[score]))
    return {row: {s: mean(v) for s, v in found.items()} for row, found in values.items()}


def _fits(
    mine: Mapping[str, float],
    theirs: Mapping[str, float],
    score: str,
    told: float,
    tolerance: float,
) -> bool:
    if score not in mine or score not in theirs:
        return False
    return abs(mine[score] - theirs[score] - told) <= tolerance
