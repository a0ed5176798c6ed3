"""A tiny project that tests share: real datasets, real stages, content-keyed results.

Nodes are run in this process through the workshop's own entry; because they are named by
content, a node that several tests need runs once.
"""

from __future__ import annotations

import os
import subprocess
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from golf.config.knob import Value
from golf.config.machine import Launch, Machine
from golf.config.matrix import Matrix, RowDraft, Setting
from golf.data.prepare import prepare
from golf.files import write_json
from golf.plan.cells import plan_matrix
from golf.plan.expand import expand
from golf.plan.graph import Cell, Node, Plan
from golf.plan.row import Rows
from golf.records import NodePaths, RunPaths, stands, write_spec
from golf.stages.context import Bench, Context
from golf.stages.entry import run_node
from golf.stages.world import World

CPU = Machine(cores=2, cpu_name="test", cpu_bf16=False, gpus=0, gpu_name="")
H100 = Machine(cores=16, cpu_name="test", cpu_bf16=False, gpus=8, gpu_name="NVIDIA H100")

TINY: dict[str, Value] = {
    "data.dataset": "sotu-small",
    "data.vocab_size": 384,
    "model.depth": 2,
    "model.model_dim": 64,
    "model.head_dim": 32,
    "model.mlp_mult": 2.0,
    "model.q_gain": 1.5,
    "train.steps": 24,
    "train.seq_len": 128,
    "train.batch_tokens": 256,
    "optim.muon_momentum_steps": 8,
    "eval.max_tokens": 2048,
    "ttt.method": "sgd",
    "ttt.chunk_tokens": 512,
    "ttt.batch_tokens": 256,
}


def layer(values: dict[str, Value]) -> dict[str, Setting]:
    return {n: Setting(v, "test.yaml:1:1", n) for n, v in values.items()}


def tiny_rows(
    base: dict[str, Value] | None = None,
    rows: dict[str, dict[str, Value]] | None = None,
    machine: Machine = CPU,
    launch: Launch | None = None,
    **matrix: object,
) -> Rows:
    """Expand a matrix over ``base`` with one row per entry of ``rows``."""
    base = dict(TINY if base is None else base)
    seed = base.pop("train.seed", 1337)
    drafts = tuple(RowDraft(n, layer(v), "test.yaml:2:1") for n, v in (rows or {}).items())
    made = Matrix(Path("test.yaml"), "test", seeds=(seed,), baseline=layer(base), drafts=drafts)
    made = replace(made, **matrix)
    return expand(made, launch or made.launch, machine)


def imports_of(*arguments: str, cwd: Path) -> set[str]:
    """Run a golf command; return every module that its process loaded."""
    line = [sys.executable, "-X", "importtime", "-m", "golf", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, cwd=cwd, check=True)
    return {s.split("|")[-1].strip() for s in done.stderr.splitlines() if "|" in s}


class Project:
    """A project folder whose nodes are run in this process."""

    def __init__(self, root: Path) -> None:
        self.paths = RunPaths(root)
        self.paths.runs.mkdir(parents=True, exist_ok=True)
        self.world = World(0, 1, torch.device("cpu"))

    def plan(
        self,
        base: dict[str, Value] | None = None,
        rows: dict[str, dict[str, Value]] | None = None,
        **matrix: object,
    ) -> Plan:
        return plan_matrix(tiny_rows(base, rows, **matrix), self.paths.root, "test")

    def files(self, node: Node) -> NodePaths:
        return self.paths.node(str(node.stage), node.key)

    def run(self, *nodes: Node, runtime: dict[str, Value] | None = None) -> None:
        """Bring nodes and what they need to their results, in one warm process."""
        bench = Bench()
        for node in nodes:
            for needed in [n for n in (node.training, node.weights, node) if n]:
                if not stands(self.paths, str(needed.stage), needed.key):
                    self.run_one(needed, runtime, bench)

    def run_one(
        self, node: Node, runtime: dict[str, Value] | None = None, bench: Bench | None = None
    ):
        self.prepare(node)
        write_spec(self.files(node), node.record(runtime or {}))
        run_node(
            Context(
                node.record(runtime or {}), self.files(node).folder, self.world, bench or Bench()
            )
        )

    def prepare(self, node: Node) -> None:
        folder = self.paths.dataset(node.dataset.key)
        if not (folder / "dataset.json").exists():
            write_json(folder / "recipe.json", dict(node.dataset.spec))
            prepare(folder)

    def run_cell(self, cell: Cell) -> None:
        self.run(*cell.nodes())


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture
def lone_project(tmp_path: Path) -> Project:
    """A project of its own, for tests that damage files."""
    return Project(tmp_path)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    torch.set_num_threads(1)
    yield


@pytest.fixture
def numerics() -> Iterator[None]:
    """Undo what a job that runs in this process sets."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)
