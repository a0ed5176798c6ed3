"""``golf verify``: a score from the bytes alone, held against what is claimed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from golf.errors import GolfError
from golf.launch.verify import verify
from golf.records import read_result
from tests.conftest import TINY, Project


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


def test_missing_files_and_data_are_named(project: Project, tmp_path: Path) -> None:
    artifact, data, _ = made(project)
    with pytest.raises(GolfError, match="no artifact here"):
        verify(tmp_path / "none.bin", data, None, None)
    with pytest.raises(GolfError, match="no data here"):
        verify(artifact, tmp_path / "none", None, None)
    with pytest.raises(GolfError, match="no dataset"):
        verify(artifact, tmp_path, None, None)
