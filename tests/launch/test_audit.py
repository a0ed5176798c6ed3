"""``golf run --audit``: legal runs pass, leaking ones are told, and no score changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.launch.conftest import Golf
from tests.matrices import TINY_LINES

MATRIX = f"""\
name: audited
preset: quickstart
seeds: [1]
evaluate: [chunked, documents]
baseline:
{TINY_LINES}
  smear: v2
rows:
  leaky: {{smear_bos_mask: false}}
  phased: {{ttt: lora, ttt_lora_rank: 4, ttt_chunk_size: 32, ttt_lora_lr: 0.01,
    phased_ttt_num_phases: 2, global_ttt_lr: 0.05, global_ttt_chunk_tokens: 128}}
"""


@pytest.fixture
def golf(tmp_path: Path) -> Golf:
    made = Golf(tmp_path)
    made.matrix.write_text(MATRIX)
    return made


def scored(golf: Golf) -> dict[str, dict]:
    """Return the results of all nodes that score, by folder."""
    files = [
        *golf.root.glob("runs/evaluate/*/result.json"),
        *golf.root.glob("runs/ttt/*/result.json"),
    ]
    return {str(f): json.loads(f.read_text()) for f in files}


def test_an_audit_is_added_to_finished_work_and_finds_the_leak(golf: Golf) -> None:
    _, told = golf("run", "matrices/tiny.yaml")
    short = "warning: the model learned in 0 of 2 pauses of test-time training: phased\n"
    assert short in told
    before = scored(golf)
    taught = {r["facts"]["method"]: r["facts"] for r in before.values() if "method" in r["facts"]}
    assert taught["sgd"]["updates"] == 4  # 512 targets in steps of 128
    assert taught["lora"]["updates"] == 1024 // 32 - 1
    assert taught["lora"]["pauses"] == 0  # the first 1,024 targets are one document
    assert not any("audit" in r["facts"] for r in before.values())
    _, told = golf("run", "matrices/tiny.yaml", "--audit")
    assert f"{len(before)} nodes run" in told
    after = scored(golf)
    for name, result in after.items():
        audit = result["facts"].pop("audit")
        assert result == before[name]
        isolated = result["facts"]["geometry"] == "documents"
        leaky = spec_of_training(golf, result)["model.smear_bos_mask"] is False
        assert audit["passed"] == (not (isolated and leaky)), (name, audit)
        assert audit["by_document"] == isolated
        assert audit["forward"] == audit["forward_of_scores"] == "eager, tiles attention, 1 process"
    _, told = golf("run", "matrices/tiny.yaml", "--audit")
    assert "nothing to run" in told
    report, _ = golf("report", "matrices/tiny.yaml")
    assert "❌ sees what it may not" in report
    assert "✅" in report


def spec_of_training(golf: Golf, result: dict) -> dict:
    """Return the settings of the training that a score hangs from."""
    (source,) = result["inputs"]
    spec = json.loads((golf.root / "runs" / source / "spec.json").read_text())
    while spec["weights"]:
        stage, key = spec["weights"]
        spec = json.loads((golf.root / "runs" / stage / key / "spec.json").read_text())
    return spec["spec"]
