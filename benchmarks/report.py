"""How long ``golf report`` takes over 10,000 finished cells.

Run: python benchmarks/report.py [CELLS]

Writes a project of that many cells (rows of five seeds, one factor) with made-up results and
training curves, in files as a run leaves them, and as many tidy rows; times the whole commands, in
turn with a bare interpreter. A run of so many cells ends by keeping what reports need of its
results in runs/finished.json; a report then asks the results only whether they are the same still.
Where that file is missing, as it is first here, a report reads every result and writes it. Hydra's
help, where Hydra is installed, is a yardstick for comparing machines.
"""

from __future__ import annotations

import dataclasses
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from overhead import HYDRA_APP, has
from processes import interleaved, load, table, timed

from golf.config.knob import Stage
from golf.plan.graph import Node, Plan
from golf.plan.ledger import Options, plan_file, write_ledger
from golf.records import Result

SEEDS = 5
REPEATS = 5
STEPS, LOG_EVERY = 240, 10


def write_matrix(folder: Path, cells: int) -> Path:
    """Write a matrix of one factor with as many values as the cells need."""
    values = [round(0.01 + i * 1e-5, 6) for i in range(cells // SEEDS - 1)]
    path = folder / "matrices" / "many.yaml"
    path.parent.mkdir()
    seeds = list(range(1, SEEDS + 1))
    path.write_text(f"name: many\nseeds: {seeds}\nfactors:\n  matrix_lr: {values}\n")
    return path


def finish(plan: Plan) -> None:
    """Write a result for every node, and a curve for every training."""
    rng = random.Random(0)
    for node in plan.nodes.values():
        paths = plan.node_paths(node)
        paths.folder.mkdir(parents=True)
        paths.result.write_text(json.dumps(dataclasses.asdict(made_up(node, rng)), indent=1))
        if node.stage == Stage.TRAIN:
            paths.curve.write_text(json.dumps(curve(rng), indent=1))


def curve(rng: random.Random) -> dict[str, Any]:
    """Return a training curve of as many points as the quickstart's have."""
    seconds = 13.5 + rng.random()
    points = [
        [step, seconds * step / STEPS, 5 - 3 * step / STEPS + rng.gauss(0, 0.01), 1 - step / STEPS]
        for step in range(LOG_EVERY, STEPS + 1, LOG_EVERY)
    ]
    return {"columns": ["step", "train_s", "loss", "lr"], "points": points}


def made_up(node: Node, rng: random.Random) -> Result:
    """Return a result of the size that a real one has."""
    measures = {
        "train": {
            "steps": 200, "tokens": 409600, "parameters": 254092, "flops_per_token": 884736,
            "train_s": 13.5 + rng.random(), "step_ms": 60 + rng.random(), "tokens_per_s": 17000.0,
            "peak_memory_mb": 380.0, "wall_s": 14.0,
        },
        "quantize": {
            "artifact_bytes": 229000 + rng.randrange(1000), "model_bytes": 200000,
            "code_bytes": 28934, "quantize_s": 1.0, "wall_s": 1.0,
        },
        "evaluate": {
            "bpb": 1.85 + rng.gauss(0, 0.005), "loss_nats": 3.7, "scored_bytes": 975926.0,
            "scored_targets": 341250.0, "eval_s": 5.0, "wall_s": 5.0,
        },
    }[str(node.stage)]  # fmt: skip
    source = {node.weights.name: output(node.weights)} if node.weights else {}
    about = {"golf": "0.1.0", "python": "3.11", "torch": "2.13", "device": "CPU", "world_size": 1}
    facts = {"counting": "exact", "val_sha256": "0" * 64, "bpb_convention": "all_targets"}
    return Result(
        str(node.stage), node.key, measures, dict(node.spec), source, output(node), 1, about, facts
    )


def output(node: Node) -> str:
    """Return the hash that a node's output is said to have."""
    return node.key * 5


def tidy_file(folder: Path, cells: int) -> None:
    """Write as many tidy rows with the same three scores."""
    rng = random.Random(0)
    lines = ["row,seed,pre,post,ttt,artifact_bytes,steps,matrix_lr"]
    for i in range(cells):
        scores = ",".join(f"{1.85 + rng.gauss(0, 0.005)}" for _ in range(3))
        row = i // SEEDS
        lines.append(f"r{row},{i % SEEDS},{scores},{229000 + rng.randrange(1000)},200,{row * 1e-5}")
    (folder / "tidy.csv").write_text("\n".join(lines))


def main() -> None:
    """Print the table."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_matrix(folder, cells)
        plan = plan_file(path, Options())
        write_ledger(plan, Options())
        finish(plan)
        tidy_file(folder, cells)
        golf = [sys.executable, "-m", "golf", "report"]
        lines = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "golf report --runs tidy.csv": [*golf, "--runs", "tidy.csv"],
            "golf report MATRIX": [*golf, "matrices/many.yaml"],
        }
        if has("hydra"):
            (folder / "hydra_app.py").write_text(HYDRA_APP)
            lines["hydra app --help"] = [sys.executable, "hydra_app.py", "--help"]
        first = timed(lines["golf report MATRIX"], folder)
        taken = {
            "golf report MATRIX, no finished.json": [first],
            **interleaved(lines, REPEATS, folder),
        }
    print(f"{len(plan.cells):,} cells, {len(plan.nodes):,} files, median of {REPEATS}, {load()}\n")
    print(table(taken, "python -c pass"))


if __name__ == "__main__":
    main()
