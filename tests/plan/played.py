"""A matrix run by pretence: results with chosen scores in place of trainings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from golf.errors import GolfError, Problem
from golf.plan.graph import Cell, Node, Plan
from golf.plan.ledger import Options, plan_file
from golf.plan.work import pending
from golf.records import Result, read_result, write_result

Score = Callable[[str, int], float]


def write_matrix(root: Path, text: str, name: str = "m.yaml") -> Path:
    (root / "runs").mkdir(exist_ok=True)
    path = root / name
    path.write_text(text, encoding="utf-8")
    return path


def planned(path: Path, *sets: str, profile: str = "") -> Plan:
    return plan_file(path, Options(profile, sets))


def finish(plan: Plan, score: Score, large: tuple[str, ...] = ()) -> None:
    """Give every pending node of ``plan`` a result; rows in ``large`` are over the limit."""
    todo = pending(plan)
    for cell in plan.cells:
        for node in cell.nodes():
            if node.key in todo:
                todo.discard(node.key)
                _write(plan, node, cell, score, large)


def _write(plan: Plan, node: Node, cell: Cell, score: Score, large: tuple[str, ...]) -> None:
    inputs = {}
    if node.weights:
        source = read_result(plan.node_paths(node.weights))
        assert source
        inputs[node.weights.name] = source.output_sha256
    measures = {
        "bpb": score(cell.row.name, cell.seed),
        "artifact_bytes": 16_000_001.0 if cell.row.name in large else 16_000_000.0,
    }
    stage, key = node.id
    made = Result(stage, key, measures, dict(node.spec), inputs, node.key, recipe=1)
    write_result(plan.node_paths(node), made)
    plan.node_paths(node).output(stage).touch()


def play(path: Path, score: Score, *sets: str, large: tuple[str, ...] = ()) -> list[Plan]:
    """Run a matrix round after round as ``golf run`` does; return the plan of each round."""
    rounds = [planned(path, *sets)]
    while pending(rounds[-1]):
        finish(rounds[-1], score, large)
        rounds.append(planned(path, *sets))
    return rounds


def parents(plan: Plan) -> dict[str, str]:
    return {row.name: row.parent for row in plan.rows.rows if row.parent}


def fixed(**scores: float) -> Score:
    """Scores by row, the same for each seed but for a little that both rows of a pair share."""
    return lambda row, seed: scores.get(row, 1.0) + seed / 100


def waits(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {group.reason: group.rows for group in plan.waiting}


def row_names(plan: Plan) -> list[str]:
    return [row.name for row in plan.rows.rows]


def mistakes(root: Path, text: str) -> list[Problem]:
    with pytest.raises(GolfError) as caught:
        planned(write_matrix(root, text))
    return list(caught.value.problems)
