"""The frozen script on published shards, alone and on two processes under plain torchrun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from golf.config.knob import Value
from golf.config.machine import Launch
from golf.config.tokens import BOS
from golf.data.corpus import read_corpus
from golf.data.shards import write_shard
from golf.data.tokenizer import train_tokenizer
from golf.files import read_json
from golf.freeze.command import freeze_row
from golf.plan.graph import Cell
from golf.records import RunPaths, lasting, read_result, write_spec
from tests.conftest import TINY, Project
from tests.data.prepared import MODEL, SHARDS
from tests.freeze.test_script import run_alone

LORA: dict[str, Value] = {
    **{n: v for n, v in TINY.items() if not n.startswith("ttt.")},
    "data.vocab_size": 512, "train.steps": 6, "eval.geometries": ("chunked", "documents32"),
    "eval.max_tokens": 700, "ttt.method": "lora", "ttt.lora_rank": 4, "ttt.lora_chunk": 32,
    "quant.method": "gptq", "quant.calib_batches": 1, "quant.calib_tokens": 128,
}  # fmt: skip


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in the published layout: documents of random words, and their tokenizer."""
    root, draw = tmp_path_factory.mktemp("published"), np.random.default_rng(0)
    for name, size in (("train_000000", 3000), ("train_000001", 2000), ("val_000000", 1000)):
        tokens = draw.integers(4, 512, size)
        tokens[::200] = BOS
        write_shard(root / SHARDS / f"fineweb_{name}.bin", tokens.astype("<u2"))
    (root / MODEL).parent.mkdir(parents=True)
    tokenizer = train_tokenizer(read_corpus("sotu-small").train, 512)
    (root / MODEL).write_bytes(tokenizer.serialized_model_proto())
    return root / SHARDS


def frozen_on(project: Project, shards: Path, folder: Path, processes: int) -> tuple[Cell, Path]:
    values = {**LORA, "data.dataset": str(shards)}
    plan = project.plan(values, launch=Launch(nproc_per_node=processes))
    list(freeze_row(plan, plan.rows.rows[0], None, folder / "train_gpt.py"))
    return plan.cells[0], folder / "train_gpt.py"


def numbers(project: Project, cell: Cell, folder: Path) -> tuple[object, object]:
    """Return all that a script measured and its artifact, and the same of the record."""
    made = RunPaths(folder)
    assert cell.ttt
    nodes = {"train": cell.train, "quantize": cell.quantize, **cell.post, "ttt": cell.ttt}
    measured, recorded = {}, {}
    for name, node in nodes.items():
        now = lasting(read_json(made.node(str(node.stage), name).folder / "measures.json"))
        result = read_result(project.files(node))
        assert result
        assert now.keys() & {"train_loss_nats", "model_bytes", "bpb"}
        measured[name] = now
        recorded[name] = {n: v for n, v in lasting(result.measures).items() if n in now}
    artifacts = made.node("quantize", "quantize").artifact, project.files(cell.quantize).artifact
    script, record = (path.read_bytes() for path in artifacts)
    return (measured, script), (recorded, record)


def test_the_script_prepares_published_shards_and_gives_the_rows_numbers(
    project: Project, shards: Path, tmp_path: Path
) -> None:
    cell, script = frozen_on(project, shards, tmp_path, 1)
    project.run_cell(cell)
    done = run_alone(script, str(shards))
    assert done.returncode == 0, done.stderr[-2000:]
    by_script, on_record = numbers(project, cell, tmp_path)
    assert by_script == on_record


def torchrun(folder: Path, *arguments: str) -> None:
    head = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    head += ["--log-dir", os.devnull]
    done = subprocess.run(
        [*head, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_two_processes_under_torchrun_give_the_numbers_of_two_of_golfs(
    project: Project, shards: Path, tmp_path: Path
) -> None:
    cell, script = frozen_on(project, shards, tmp_path, 2)
    project.prepare(cell.train)
    for node in cell.nodes():
        write_spec(project.files(node), node.record({}))
    folders = [str(project.files(node).folder) for node in cell.nodes()]
    torchrun(tmp_path, "-m", "golf.stages", *folders)
    torchrun(tmp_path, script.name, str(shards))
    by_script, on_record = numbers(project, cell, tmp_path)
    assert by_script == on_record
