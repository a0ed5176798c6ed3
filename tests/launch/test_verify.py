"""``golf verify``: a score from the bytes alone, held against what is claimed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from golf.errors import GolfError
from golf.files import write_json
from golf.launch.ask import ask
from golf.launch.verify import verify
from golf.quant.artifact import Artifact, Packing, read_artifact, write_artifact
from golf.quant.grid import Codes
from golf.records import read_result
from golf.stages.verify import answer_request, numerics_here
from tests.conftest import TINY, Project

CHUNKED = {"eval.geometry": "chunked"}
Settings = dict[str, Any]
Tensors = dict[str, Codes | Tensor]
Change = Callable[[Settings, Tensors], object]


def made(project: Project) -> tuple[Path, Path, float]:
    """Return an artifact, its data, and its recorded score."""
    cell = project.plan().cells[0]
    project.run(cell.post["chunked"])
    recorded = read_result(project.files(cell.post["chunked"]))
    assert recorded
    data = project.paths.dataset(cell.train.dataset.key)
    return project.files(cell.quantize).artifact, data, recorded.measures["bpb"]


def test_what_is_on_record_is_verified_to_the_bit(lone_project: Project) -> None:
    artifact, data, score = made(lone_project)
    damaged = lone_project.paths.node("evaluate", "damaged").result
    damaged.parent.mkdir()
    damaged.write_text("{")
    verdicts = verify(artifact, data, None, None)
    assert {v.geometry for v in verdicts} == {"chunked"}
    assert score in {v.recorded for v in verdicts}
    assert all(v.measured == v.recorded for v in verdicts)
    assert all(v.holds(0.0) for v in verdicts)
    assert "verified" in verdicts[0].line(0.0)


def test_a_file_without_a_record_is_held_against_a_claim(project: Project, tmp_path: Path) -> None:
    artifact, data, _ = made(project)
    alone = tmp_path / "submission.bin"
    shutil.copyfile(artifact, alone)
    unclaimed = verify(alone, data, None, None)[0]
    assert not unclaimed.holds(1.0)
    assert "nothing recorded" in unclaimed.line(1.0)
    right, wrong = (replace(unclaimed, recorded=unclaimed.measured + off) for off in (0.0, 0.01))
    assert right.holds(1e-9)
    assert not wrong.holds(1e-3)
    assert "NOT verified" in wrong.line(1e-3)
    assert "claimed 1.000000" in verify(alone, data, 1.0, None)[0].line(1e-3)


def test_another_validation_text_verifies_nothing(lone_project: Project) -> None:
    artifact, _, _ = made(lone_project)
    other = lone_project.plan({**TINY, "data.vocab_size": 380}).cells[0].train
    lone_project.prepare(other)
    verdict = verify(artifact, lone_project.paths.dataset(other.dataset.key), None, None)[0]
    assert not verdict.holds(9.9)
    assert "another validation text" in verdict.line(9.9)


def damaged(data: bytes, kind: str) -> bytes:
    flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    return {"flipped": flipped, "truncated": data[: len(data) // 2], "zeros": bytes(5000)}[kind]


@pytest.mark.parametrize("kind", ["flipped", "truncated", "zeros"])
def test_a_damaged_file_gets_one_message_and_exit_code_2(
    project: Project, tmp_path: Path, kind: str
) -> None:
    artifact, data, _ = made(project)
    bad = tmp_path / "bad.bin"
    bad.write_bytes(damaged(artifact.read_bytes(), kind))
    argv = [sys.executable, "-m", "golf", "verify", str(bad), "--data", str(data)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{bad}: not a readable artifact" in done.stderr
    assert "Traceback" not in done.stderr


def made_over(project: Project, folder: Path, change: Change) -> tuple[Path, Path]:
    """Return an artifact with other settings or tensors under a right hash, and its data."""
    artifact, data, _ = made(project)
    found = read_artifact(artifact)
    settings, tensors = dict(found.settings), dict(found.tensors)
    change(settings, tensors)
    path = folder / "made-over.bin"
    write_artifact(path, Artifact(settings, tensors), Packing("zlib"))
    return path, data


def nothing_is_finite(settings: Settings, tensors: Tensors) -> None:
    for name, tensor in tensors.items():
        if isinstance(tensor, Codes):
            tensors[name] = replace(tensor, scales=torch.full_like(tensor.scales, torch.nan))


def setting(name: str, value: object) -> Change:
    return lambda settings, tensors: settings.update({name: value})


def swapped(settings: Settings, tensors: Tensors) -> None:
    tensors["embed_VC"] = torch.zeros(3, 5).half()


CHANGES: dict[str, tuple[Change, str]] = {
    "none": (lambda settings, tensors: settings.clear(), "numerics.device is one of cpu, cuda"),
    "no heads": (lambda settings, tensors: settings.pop("model.n_head"), "model.n_head is missing"),
    "depth": (setting("model.depth", 999), "model.depth is 999, the file holds 2 blocks"),
    "vocabulary": (setting("data.vocab_size", 10**9), "vocab_size is at most 65536"),
    "sequences": (setting("train.seq_len", 10**12), "seq_len is at most 524288"),
    "loops": (setting("model.loop_count", 10**9), "model.loop_count is at most 1000"),
    "width": (setting("model.mlp_mult", 3e30), "describe no model"),
    "unknown": (setting("model.new", 1), "there is no model.new"),
    "rule": (setting("model.n_kv_head", 3), "cannot share n_kv_head 3"),
    "type": (setting("numerics.dtype", "load"), "numerics.dtype is one of"),
    "shape": (swapped, r"embed_VC is \[3, 5\], the model's \[384, 64\]"),
    "numbers": (nothing_is_finite, "give no score that is a number"),
}


@pytest.mark.usefixtures("numerics")
@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_an_artifact_that_is_no_model_is_refused(
    project: Project, tmp_path: Path, change: Change, message: str
) -> None:
    artifact, data = made_over(project, tmp_path, change)
    request = {"artifact": str(artifact), "data": str(data), "evaluations": [CHUNKED]}
    write_json(tmp_path / "request.json", request)
    with pytest.raises(GolfError, match=message) as told:
        answer_request(tmp_path / "request.json")
    assert str(told.value).startswith(f"{artifact}: ")


@pytest.mark.parametrize(
    ("name", "message"),
    [("slidng64", "unknown geometry 'slidng64'"), ("sliding4096", "more than a window of 128")],
)
def test_a_geometry_that_cannot_be_is_refused(project: Project, name: str, message: str) -> None:
    artifact, data, _ = made(project)
    with pytest.raises(GolfError, match=message):
        verify(artifact, data, None, name)


def test_a_crash_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(GolfError, match=r"^golf\.stages\.verify stopped with code 1: KeyError"):
        ask("golf.stages.verify", {}, tmp_path)


def test_uncompiled_flex_attention_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    asked = {"numerics.device": "cuda", "numerics.dtype": "bfloat16", "numerics.attention": "flex"}
    assert numerics_here(asked) == {
        **asked, "numerics.attention": "sdpa", "numerics.compile": False, "numerics.world_size": 1,
    }  # fmt: skip


def test_missing_files_and_data_are_named(project: Project, tmp_path: Path) -> None:
    artifact, data, _ = made(project)
    with pytest.raises(GolfError, match="no artifact here"):
        verify(tmp_path / "none.bin", data, None, None)
    with pytest.raises(GolfError, match="no data here"):
        verify(artifact, tmp_path / "none", None, None)
    with pytest.raises(GolfError, match="no dataset"):
        verify(artifact, tmp_path, None, None)
