"""Two real processes give the scores of one, through every stage that shares work among them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from golf.config.tokens import BOS
from golf.data.shards import write_shard
from golf.plan.ledger import Options, plan_file
from golf.records import read_result
from tests.launch.conftest import Golf
from tests.matrices import TINY_LINES

LENGTHS = (40, 9, 130, 75, 21, 90, 5, 60)  # of documents, again and again
MATRIX = f"""\
name: shared
seeds: [1]
evaluate: [chunked, documents32]
baseline:
{TINY_LINES.replace("sotu-small", "shards")}
  muon_momentum_steps: 12
  ttt_lr: 0.2
  quant_method: gptq
  calib_batches: 3
  calib_tokens: 128
rows:
  lora:
    ttt: lora
    ttt_lora_rank: 4
    ttt_lora_lr: 0.05
    ttt_chunk_size: 16
    ttt_batch_size: 3
    phased_ttt_num_phases: 2
    global_ttt_lr: 0.1
    global_ttt_chunk_tokens: 128
    global_ttt_batch_tokens: 128
"""


def write_documents(folder: Path) -> None:
    """Write shards of many short documents, in which a token tells much of the next one."""
    draw = np.random.default_rng(0)
    for split, size in (("train", 4096), ("val", 1100)):
        tokens = 4 + np.cumsum(draw.integers(0, 9, size)) % 380
        edges = np.cumsum([0, *LENGTHS * (size // sum(LENGTHS) + 1)])
        tokens[edges[edges < size]] = BOS
        write_shard(folder / f"made_{split}_000000.bin", tokens)
        if split == "val":
            write_shard(folder / "made_val_bytes_000000.bin", (tokens >= 4) * 2)


def found(golf: Golf, processes: int) -> dict[str, dict[str, float]]:
    """Run the matrix; return the measures and facts of every score by its name."""
    golf("run", "matrices/tiny.yaml", "--nproc", str(processes))
    plan = plan_file(golf.matrix, Options(launch=(("nproc_per_node", processes),)))
    scores = {}
    for cell in plan.cells:
        ways = {f"pre {g}": n for g, n in cell.pre.items()}
        ways |= {f"post {g}": n for g, n in cell.post.items()} | {cell.row.name: cell.ttt}
        for name, node in ways.items():
            result = read_result(plan.node_paths(node))
            assert result is not None
            assert result.environment["world_size"] == processes
            scores[name] = {**result.measures, **result.facts}
    return scores


def test_two_processes_give_the_scores_of_one(golf: Golf) -> None:
    write_documents(golf.root / "shards")
    golf.matrix.write_text(MATRIX)
    alone, shared = found(golf, 1), found(golf, 2)
    assert alone.keys() == shared.keys()
    assert alone["lora"]["pauses"] == 2
    for name, one in alone.items():
        two = shared[name]
        assert two["bpb"] == pytest.approx(one["bpb"], abs=1e-4), name
        for exact in ("scored_targets", "scored_bytes", "updates", "pauses", "val_sha256"):
            assert two.get(exact) == one.get(exact), name
    assert abs(alone["lora"]["bpb"] - alone["post documents32"]["bpb"]) > 0.02
    assert abs(alone["baseline"]["bpb"] - alone["post chunked"]["bpb"]) > 0.02
