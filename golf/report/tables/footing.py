"""Rows on an equal footing of time and tokens, and the cells that failed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from golf.report.study import Curve
from golf.report.table import Analysis
from golf.report.tables.shape import DASH, Table, number, table_of


def footing_table(analysis: Analysis) -> Table | None:
    """Return the training loss of every row at the time and at the tokens that all of them had.

    Rows with an equal number of steps differ in seconds, and the other way round; this shows
    both. Means over seeds, read off the training curves.
    """
    curves = {
        row.row: [
            c for seed in analysis.values[row.row] if (c := analysis.study.curve(row.row, seed))
        ]
        for row in analysis.table
    }
    there = [c for found in curves.values() for c in found]
    if not there or any(not c.seconds or not c.tokens for c in there):
        return None
    seconds, tokens = min(c.seconds[-1] for c in there), min(c.tokens[-1] for c in there)
    lines = [
        {
            "Row": name,
            "Seconds": _mean([c.seconds[-1] for c in found], ".1f"),
            "Tokens": _mean([c.tokens[-1] for c in found], ",.0f"),
            f"Loss at {seconds:.1f} s": _mean([_at(c, c.seconds, seconds) for c in found], ".4f"),
            f"Loss at {tokens:,.0f} tokens": _mean(
                [_at(c, c.tokens, tokens) for c in found], ".4f"
            ),
        }
        for name, found in curves.items()
    ]
    notes = ("Training loss in nats per token; it knows nothing of quantization.",)
    return table_of("footing", "Equal time, equal tokens", lines, notes=notes, long=True)


def _mean(values: Sequence[float], form: str) -> str:
    return number(sum(values) / len(values), form) if values else DASH


def _at(curve: Curve, axis: Sequence[float], where: float) -> float:
    """Return the loss at a point of an axis, in a straight line between two points."""
    i = bisect_left(axis, where)
    if i == 0 or i == len(axis):
        return float(curve.loss[min(i, len(axis) - 1)])
    share = (where - axis[i - 1]) / (axis[i] - axis[i - 1])
    return float(curve.loss[i - 1] + share * (curve.loss[i] - curve.loss[i - 1]))


def failure_table(analysis: Analysis) -> Table | None:
    """Return the cells that crashed, with the error of each."""
    lines = [
        {"Row": f.row, "Seed": str(f.seed), "Stage": f.stage, "Error": f.error}
        for f in analysis.study.failures
    ]
    return table_of("failures", "Failures", lines, left=4)
