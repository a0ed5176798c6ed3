"""The script of a row that was fitted to a cap carries what was chosen."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.knob import Value
from golf.errors import GolfError
from golf.records import read_result
from tests.conftest import TINY, Project
from tests.freeze.test_script import frozen, run_alone

FITTED: dict[str, Value] = {
    **TINY, "quant.fit_bytes": 90_000, "quant.fit_tokens": 512,
}  # fmt: skip


def test_a_row_without_a_choice_yet_is_refused(lone_project: Project, tmp_path: Path) -> None:
    with pytest.raises(GolfError, match="chosen when it is quantized, and it has not been") as told:
        frozen(lone_project, FITTED, tmp_path)
    assert "golf run test.yaml" in str(told.value)


@pytest.mark.slow
def test_the_script_makes_the_rows_artifact_and_is_its_code_bytes(
    project: Project, tmp_path: Path
) -> None:
    project.run(project.plan(FITTED).cells[0].quantize)
    cell, script = frozen(project, FITTED, tmp_path)
    recorded = read_result(project.files(cell.quantize))
    assert recorded
    assert recorded.measures["code_bytes"] == script.stat().st_size
    done = run_alone(script, str(project.paths.dataset(cell.train.dataset.key)))
    assert done.returncode == 0, done.stderr[-2000:]
    made = (tmp_path / "runs/quantize/quantize/artifact.bin").read_bytes()
    assert made == project.files(cell.quantize).artifact.read_bytes()
