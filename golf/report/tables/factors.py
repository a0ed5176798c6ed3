"""One small table per factor: its values with scores and what quantization costs at each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from golf.config.values import format_value
from golf.report.study import StudyRow
from golf.report.table import Analysis, TableRow
from golf.report.tables.main import artifact
from golf.report.tables.shape import Table, score, signed, table_of

MOST_TABLES = 40


def factor_rows(analysis: Analysis) -> dict[tuple[str, str], list[TableRow]]:
    """Return, by factor and parent, the parent and the rows that differ from it in that alone."""
    by_name = {r.row: r for r in analysis.table}
    found: dict[tuple[str, str], list[TableRow]] = {}
    for row in analysis.table:
        parent = by_name.get(row.parent)
        if parent is None or len(row.info.own) != 1:
            continue
        (factor,) = row.info.own
        if factor in parent.info.settings:
            found.setdefault((factor, row.parent), [parent]).append(row)
    return found


def quant_gap(row: TableRow) -> float | None:
    """Return post - pre: what quantization costs, bits per byte."""
    pre, post = row.mean("pre_bpb"), row.mean("post_bpb")
    return None if pre is None or post is None else post - pre


def factor_tables(analysis: Analysis) -> Iterator[Table]:
    """Yield the tables, in the order of the rows."""
    for (factor, parent), rows in list(factor_rows(analysis).items())[:MOST_TABLES]:
        lines = [_line(factor, r) for r in sorted(rows, key=lambda r: _order(r.info, factor))]
        others = [r for r in analysis.study.rows if r.parent and r.parent != parent]
        title = factor + (f" (against {parent})" if others else "")
        made = table_of(f"factor-{factor}-{parent}", title, lines, long=True)
        assert made is not None
        yield made


def _order(row: StudyRow, factor: str) -> tuple[int, float, str]:
    value: Any = row.settings.get(factor)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (0, float(value), "")
    return (1, 0.0, str(value))


def _line(factor: str, row: TableRow) -> dict[str, str]:
    return {
        "Value": format_value(row.info.settings.get(factor)),
        "Row": row.row,
        "Pre-quant": score(row.mean("pre_bpb")),
        "Post-quant": score(row.mean("post_bpb")),
        "Quantization gap": signed(quant_gap(row)),
        "Post-TTT": score(row.mean("ttt_bpb")),
        "Artifact": artifact(row),
    }
