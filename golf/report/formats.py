"""The numbers as JSON and as CSV, for programs."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from golf.report.cautions import cautions
from golf.report.findings import findings
from golf.report.record import record_of
from golf.report.study import ARTIFACT_MEASURES, MARKS, SCORES, SEEDLESS, TRAIN_MEASURES
from golf.report.table import Analysis, Spread, TableRow
from golf.report.tables.record import record_facts
from golf.report.tables.rule import rule_facts
from golf.statistics.verdict import Judgement


def as_json(analysis: Analysis) -> str:
    """Return the table as JSON; what is missing is null."""
    study = analysis.study
    found = {
        "rows": [_json_row(analysis, row) for row in analysis.table],
        "findings": [{"text": f.text, "evidence": f.evidence} for f in findings(analysis)],
        "warnings": cautions(analysis),
        "noise_floor": {s: _floor(analysis, s) for s in SCORES},
        "judged_by": analysis.main_score,
        "level": analysis.level,
        "margin": study.margin,
        "seed_rule": rule_facts(study.ruled),
        "name": study.name,
        "seeds": list(dict.fromkeys(x["seed"] for x in study.lines if not x.get(SEEDLESS))),
        "missing": study.missing,
    }
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _floor(analysis: Analysis, score: str) -> dict[str, float] | None:
    floor = analysis.floors[score]
    return {"std": floor.std, "df": floor.df} if floor else None


def _json_row(analysis: Analysis, row: TableRow) -> dict[str, Any]:
    told = {name: _spread(s) for name, s in row.spreads.items()}
    main = {name: told.pop(name) for name in (*SCORES, *ARTIFACT_MEASURES)}
    parent = analysis.values.get(row.parent)
    record = record_of(analysis.values[row.row], parent) if parent else None
    training = {name: told.pop(name) for name in TRAIN_MEASURES}
    return {
        "row": row.row,
        "change": row.info.change,
        "parent": row.parent or None,
        "note": row.info.note,
        "n": row.n,
        **main,
        "fits": row.fits,
        "delta": {score: row.delta(score) for score in row.judged},
        "statistics": {score: _judgement(found) for score, found in row.judged.items()},
        "record": record_facts(record),
        "training": training,
        "other_scores": {n: s for n, s in told.items() if "_bpb " in n},
        "other_measures": {n: told[n] for n in analysis.study.others},
    }


def _spread(s: Spread) -> dict[str, Any] | None:
    return {"mean": s.mean, "std": s.std, "n": s.n} if s.n else None


def _judgement(found: Judgement | None) -> dict[str, Any] | None:
    if found is None:
        return None
    bounds = found.delta.interval()
    return {
        "test": found.delta.test,
        "n": found.delta.n,
        "interval": list(bounds) if bounds else None,
        "df": found.delta.df,
        "p": found.p,
        "p_holm": found.p_holm,
        "verdict": str(found.verdict),
        "p_equivalent": found.p_equivalent,
    }


def tidy(analysis: Analysis) -> list[dict[str, Any]]:
    """Return one flat line per row and seed, unrounded, all with the same keys."""
    rows = {row.name: row for row in analysis.study.rows}
    lines = []
    for line in analysis.study.lines:
        info = rows[line["row"]]
        words = {"change": info.change, "parent": info.parent, "note": info.note}
        lines.append(
            {
                "row": line["row"],
                **words,
                **{k: v for k, v in line.items() if k not in ("row", *MARKS)},
            }
        )
    names = list(dict.fromkeys(name for line in lines for name in line))
    return [{name: line.get(name) for name in names} for line in lines]


def as_csv(analysis: Analysis) -> str:
    """Return one line per row and seed, unrounded; what is missing is empty."""
    lines = tidy(analysis)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
