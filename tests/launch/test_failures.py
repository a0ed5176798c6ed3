"""Real torchrun jobs in which something goes wrong, and what is left and told then."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.launch.conftest import SOLO, Golf
from tests.launch.test_run import processes_of, stage_of, wait_for


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_diverging_row_leaves_the_others_of_its_training(golf: Golf, processes: str) -> None:
    golf.matrix.write_text(
        f"{SOLO}rows:\n  hot: {{ttt_lr: 1.0e+30}}\n  int3: {{bits: 3}}\n  int4: {{bits: 4}}\n"
    )
    _, err = golf("run", "matrices/tiny.yaml", "--nproc", processes, code=1)
    hot = [line.strip() for line in err.splitlines() if "failed: " in line]
    assert len(hot) == 1
    assert "the weights diverged; lower the rates?" in hot[0]
    assert "11 nodes run" in err
    told = golf("report", "matrices/tiny.yaml", "--format", "json")[0]
    rows = {row["row"]: row for row in json.loads(told)["rows"]}
    assert {name: row["ttt_bpb"] is not None for name, row in rows.items()} == {
        "baseline": True, "hot": False, "int3": True, "int4": True,
    }  # fmt: skip
    page = golf("report", "matrices/tiny.yaml")[0].splitlines()
    (failure,) = [line for line in page if "the weights diverged" in line]
    assert failure.startswith("| hot ")


def test_a_damaged_checkpoint_is_made_anew_by_the_second_run(golf: Golf) -> None:
    golf.matrix.write_text(SOLO)
    golf("run", "matrices/tiny.yaml")
    before = golf.results()
    checkpoint = stage_of(golf, "train")[0] / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    golf.matrix.write_text(f"{SOLO}rows:\n  int3: {{bits: 3}}\n")
    _, err = golf("run", "matrices/tiny.yaml", code=1)
    assert f"{checkpoint}: not what its result tells of, and removed" in err
    golf("run", "matrices/tiny.yaml")
    assert len(golf.results()) == 8
    assert golf.results().items() >= before.items()


def test_a_worker_that_the_kernel_killed_is_told_by_its_signal(golf: Golf) -> None:
    golf.matrix.write_text(SOLO)
    process = golf.start("run", "matrices/tiny.yaml", "--set", "train.steps=5000")
    assert wait_for(lambda: list((golf.root / "runs" / "train").glob("*/progress.json")))
    for pid in processes_of(golf.root):
        if b"torchrun" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Signal 9 (SIGKILL)" in err
