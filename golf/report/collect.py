"""A plan and its results to one tidy frame: a line per row and seed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from golf.plan.graph import Cell, Node, Plan
from golf.records import Result, read_result, stands

TRAIN_MEASURES = (
    "steps", "tokens", "parameters", "flops_per_token", "train_s", "step_ms", "tokens_per_s",
    "peak_memory_mb",
)  # fmt: skip
ARTIFACT_MEASURES = ("artifact_bytes", "model_bytes", "code_bytes")
SCORES = ("pre_bpb", "post_bpb", "ttt_bpb")


def collect(plan: Plan) -> pd.DataFrame:
    """Return every cell's measures; what is not there yet is missing (NaN).

    Columns: row, change, parent, note, seed, complete, the scores of the first geometry
    (``pre_bpb``, ``post_bpb``, ``ttt_bpb``; bits per byte), one pair ``pre_bpb GEOMETRY``,
    ``post_bpb GEOMETRY`` for each further geometry, and the training's and artifact's measures.
    """
    return pd.DataFrame([_line(plan, cell) for cell in plan.cells])


def _line(plan: Plan, cell: Cell) -> dict[str, Any]:
    train, artifact = _result(plan, cell.train), _result(plan, cell.quantize)
    line: dict[str, Any] = {
        "row": cell.row.name,
        "change": cell.row.change,
        "parent": cell.row.parent,
        "note": cell.row.note,
        "seed": cell.seed,
        "complete": all(_result(plan, n) for n in cell.nodes()),
    }
    for name in TRAIN_MEASURES:
        line[name] = train.measures[name] if train else None
    scored = _result(plan, next(iter(cell.pre.values())))
    line["scored_bytes"] = scored.measures["scored_bytes"] if scored else None
    for name in ARTIFACT_MEASURES:
        line[name] = artifact.measures[name] if artifact else None
    for kind, nodes in (("pre", cell.pre), ("post", cell.post)):
        for i, (geometry, node) in enumerate(nodes.items()):
            line[f"{kind}_bpb" + (f" {geometry}" if i else "")] = _bpb(plan, node)
    line["ttt_bpb"] = _bpb(plan, cell.ttt) if cell.ttt else None
    return line


def _bpb(plan: Plan, node: Node) -> float | None:
    result = _result(plan, node)
    return result.measures["bpb"] if result else None


def _result(plan: Plan, node: Node) -> Result | None:
    """Return a node's result unless it is missing or was made from what is no longer there."""
    return read_result(plan.node_paths(node)) if stands(plan.paths, *node.id) else None


def environments(plan: Plan) -> pd.DataFrame:
    """Return what the finished nodes were made with: a line per node."""
    lines = []
    for node in plan.nodes.values():
        result = _result(plan, node)
        if result:
            facts = {k: v for k, v in result.facts.items() if k != "geometry"}
            lines.append({"stage": result.stage, **result.environment, **facts})
    return pd.DataFrame(lines)
