"""The table as JSON and as CSV, for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from golf.report.collect import ARTIFACT_MEASURES, SCORES, TRAIN_MEASURES
from golf.report.table import TableRow


def as_json(table: Sequence[TableRow], header: dict[str, Any]) -> str:
    """Return the table as JSON; what is missing is null."""
    rows = [_json_row(row) for row in table]
    return json.dumps({"rows": rows, **header}, indent=2, ensure_ascii=False, allow_nan=False)


def _json_row(row: TableRow) -> dict[str, Any]:
    spreads = {
        name: {"mean": s.mean, "std": s.std, "n": s.n} if s.n else None
        for name, s in row.spreads.items()
    }
    main = {name: spreads.pop(name) for name in (*SCORES, *ARTIFACT_MEASURES)}
    training = {name: spreads.pop(name) for name in TRAIN_MEASURES}
    return {
        "row": row.row,
        "change": row.change,
        "parent": row.parent or None,
        "note": row.note,
        "n": row.n,
        **main,
        "fits": row.fits,
        "delta": {score: row.deltas[score] for score in SCORES},
        "training": training,
        "other_scores": spreads,
    }


def as_csv(cells: pd.DataFrame) -> str:
    """Return one line per row and seed, unrounded."""
    text: str = cells.to_csv(index=False, lineterminator="\n")
    return text
