"""Scores of finished cells, as far as there are any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from golf.config.knob import Stage
from golf.plan.graph import Cell, Node
from golf.records import (
    ARTIFACT_LIMIT,
    NodeId,
    NodePaths,
    Result,
    RunPaths,
    read_result,
    stands,
)


def finished(paths: RunPaths, node: Node) -> Result | None:
    """Return a node's result unless it is missing or was made from what is no longer there."""
    return read_result(paths.node(*node.id)) if stands(paths, *node.id) else None


def score_of(paths: RunPaths, cell: Cell, by: str) -> float | None:
    """Return a cell's bits per byte: before or after quantization, or after adaptation."""
    first = {"pre": cell.pre, "post": cell.post}
    node = cell.ttt if by == "ttt" else next(iter(first[by].values()))
    result = finished(paths, node) if node else None
    return result.measures["bpb"] if result else None


def fits(paths: RunPaths, cells: Iterable[Cell]) -> bool:
    """Say whether every artifact that is there is within the limit."""
    results = (finished(paths, cell.quantize) for cell in cells)
    return all(r.measures["artifact_bytes"] <= ARTIFACT_LIMIT for r in results if r)


def all_results(paths: RunPaths) -> dict[NodeId, Result]:
    """Return the result of every finished node of a project, of any matrix."""
    found = (read_result(NodePaths(f.parent)) for f in paths.runs.glob("*/*/result.json"))
    return {(r.stage, r.key): r for r in found if r}


def training_of(result: Result, results: Mapping[NodeId, Result]) -> Result | None:
    """Return the training whose model a node worked on."""
    found: Result | None = result
    while found is not None and found.stage != Stage.TRAIN:
        stage, _, key = next(iter(found.inputs), "").partition("/")
        found = results.get((stage, key))
    return found
