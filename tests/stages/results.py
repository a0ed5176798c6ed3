"""What a node of a project left behind, and where it ran."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import safe_open

from golf.plan.graph import Node
from golf.records import Result, read_result
from golf.stages.context import Bench, Context
from tests.conftest import Project


def result(project: Project, node: Node) -> Result:
    found = read_result(project.files(node))
    assert found is not None
    return found


def context(project: Project, node: Node) -> Context:
    return Context(node.record({}), project.files(node).folder, project.world, Bench())


def weights(path: Path) -> dict[str, np.ndarray]:
    with safe_open(path, "numpy") as f:
        return {n: f.get_tensor(n) for n in f.keys()}  # noqa: SIM118
