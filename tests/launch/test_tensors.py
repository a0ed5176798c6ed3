"""`golf show --tensors` as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.launch.conftest import Golf

SHOW = ("show", "matrices/tiny.yaml", "int4", "--tensors")


def artifact_of(golf: Golf, row: str) -> Path:
    shown, _ = golf("show", "matrices/tiny.yaml", row)
    line = next(line for line in shown.splitlines() if "runs/quantize" in line)
    return Path(line.split()[1]) / "artifact.bin"


def test_the_tables_add_up_to_the_file_on_disk(finished: Golf) -> None:
    shown, _ = finished(*SHOW)
    size = artifact_of(finished, "int4").stat().st_size
    totals = shown.split("\n\n")[1].splitlines()[1:]
    taken = {words[0]: int(words[2].replace(",", "")) for words in map(str.split, totals)}
    assert taken.pop("file") == size == sum(taken.values())
    assert set(taken) == {"attn", "mlp", "embed", "pass", "overhead"}
    found = json.loads(finished(*SHOW, "--json", "--hessians")[0])
    assert found["model_bytes"] == size
    bits = {t["role"]: t["bits"] for t in found["tensors"]}
    assert bits == {"attn": 4, "mlp": 4, "embed": 8, "pass": 16}
    for line in found["tensors"]:
        measured = line["role"] in ("attn", "mlp")
        assert (line["hessian_error"] is not None) >= measured
        assert line["error"] < (0.25 if measured else 0.03)


@pytest.mark.slow
def test_a_folder_does_as_well_and_a_missing_checkpoint_costs_the_errors_only(
    golf: Golf, finished: Golf
) -> None:
    shutil.copytree(finished.root / "runs", golf.root / "runs", dirs_exist_ok=True)
    folder = str(artifact_of(golf, "int4").parent)
    whole = json.loads(golf("show", folder, "--tensors", "--json")[0])
    for checkpoint in (golf.root / "runs" / "train").glob("*/checkpoint.safetensors"):
        checkpoint.unlink()
    bare = json.loads(golf("show", folder, "--tensors", "--json")[0])
    assert [t["bytes"] for t in bare["tensors"]] == [t["bytes"] for t in whole["tensors"]]
    assert {t["error"] for t in bare["tensors"]} == {None}
    said = golf("show", folder, "--tensors", "--hessians", code=2)[1]
    assert "the checkpoint was cleaned away, and Hessians are made from it" in said
    artifact_of(golf, "int4").write_bytes(b"GOLFART2" + bytes(99))
    assert "not a readable artifact" in golf("show", folder, "--tensors", code=2)[1]


def test_what_cannot_be_shown_is_said(golf: Golf) -> None:
    said = golf(*SHOW, code=2)[1]
    assert "the quantization is not finished" in said
    assert "golf run matrices/tiny.yaml" in said
    said = golf("show", "matrices/tiny.yaml", "int4", "--json", code=2)[1]
    assert "go with --tensors" in said
    assert "no spec.json of a node here" in golf("show", ".", "--tensors", code=2)[1]
