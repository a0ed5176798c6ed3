"""`golf fit` as a user runs it: on a finished training, from a matrix or from a folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.launch.conftest import Golf
from tests.launch.test_run import processes_of, wait_for

CAP = ("--cap", "65000", "--set", "fit_tokens=512")


def trainings(golf: Golf) -> list[Path]:
    return sorted((golf.root / "runs" / "train").iterdir())


def test_a_training_that_is_not_finished_is_named(golf: Golf) -> None:
    said = golf("fit", "matrices/tiny.yaml", "--row", "int4", code=2)[1]
    assert "the training is not finished" in said
    assert "golf run matrices/tiny.yaml" in said
    assert "Traceback" not in said


def test_what_leaves_nothing_to_choose_is_refused(finished: Golf) -> None:
    said = finished("fit", "matrices/tiny.yaml", "--set", "clip_rule=search", code=2)[1]
    assert "fit chooses multiples of sigma, clip_rule is search" in said
    said = finished("fit", "runs/train", code=2)[1]
    assert "runs/train: no spec.json of a node here" in said
    said = finished("fit", str(trainings(finished)[0]), "--set", "depth=3", code=2)[1]
    assert "a folder is one training; only its quantization can be set" in said


def test_the_row_that_sets_what_was_chosen_has_the_same_artifact(
    golf: Golf, finished: Golf
) -> None:
    shutil.copytree(finished.root / "runs", golf.root / "runs", dirs_exist_ok=True)
    told = golf("fit", "matrices/tiny.yaml", "--row", "int4", *CAP)[0]
    assert "under the cap of 65,000" in told
    pasted = told.partition("to set this without fitting:\n")[2].rstrip().splitlines()
    text = golf.matrix.read_text() + "  pasted:\n" + "".join(f"  {line}\n" for line in pasted)
    golf.matrix.write_text(text + "  fitted: {fit: 65000, fit_tokens: 512}\n")
    golf("run", "matrices/tiny.yaml")
    made = json.loads(golf("plan", "matrices/tiny.yaml", "--json")[0])
    assert all(row["nodes"]["run"] == 0 for row in made["rows"])
    shown = {row: golf("show", "matrices/tiny.yaml", row)[0] for row in ("pasted", "fitted")}
    assert pasted[0].strip() in shown["fitted"]
    artifacts = [
        Path(line.split()[1]) / "artifact.bin"
        for text in shown.values() for line in text.splitlines() if "runs/quantize" in line
    ]  # fmt: skip
    assert len(set(artifacts)) == 2
    assert artifacts[0].read_bytes() == artifacts[1].read_bytes()


@pytest.mark.slow
def test_a_second_fit_reuses_the_first_and_one_that_was_killed_starts_again(
    golf: Golf, finished: Golf
) -> None:
    shutil.copytree(finished.root / "runs", golf.root / "runs", dirs_exist_ok=True)
    before = set((golf.root / "runs" / "quantize").iterdir())
    run = str(trainings(golf)[0].relative_to(golf.root))
    first = json.loads(golf("fit", run, *CAP, "--json")[0])
    assert first["artifact_bytes"] <= first["cap"] == 65000
    (folder,) = set((golf.root / "runs" / "quantize").iterdir()) - before
    artifact, at = (folder / "artifact.bin").read_bytes(), (folder / "result.json").stat().st_mtime
    assert json.loads(golf("fit", run, *CAP, "--json")[0]) == first
    assert (folder / "result.json").stat().st_mtime == at
    shutil.rmtree(folder)
    process = golf.start("fit", run, *CAP)
    assert wait_for((folder / "progress.json").exists)
    process.kill()
    process.communicate()
    assert wait_for(lambda: not processes_of(golf.root))
    golf("fit", run, *CAP)
    assert (folder / "artifact.bin").read_bytes() == artifact


def test_a_cap_below_the_smallest_ends_with_exit_code_1(finished: Golf) -> None:
    said, _ = finished("fit", "matrices/tiny.yaml", "--cap", "9", "--set", "fit_tokens=64", code=1)
    assert "over the cap of 9, and nothing is smaller" in said
