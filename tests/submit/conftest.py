"""A finished matrix of three seeds, and the real `golf submit` on copies of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from golf.plan.ledger import Options, plan_file
from golf.plan.show import find_row
from golf.records import RunPaths
from golf.submit.entry import Entry, Signature, enter
from tests.conftest import Project
from tests.matrices import TINY_LINES

HOSTILE = "a|b <i>`c`</i>/../*d*"
MATRIX = f"""\
name: tiny
question: Does int4 pay?
preset: quickstart
seeds: [1, 2, 3]
launch: {{device: cpu}}
baseline:
{TINY_LINES}
rows:
  int4: {{bits: 4}}
  "{HOSTILE}": {{bits: 3, seeds: [1]}}
"""


class Finished:
    """A project whose matrix has been run."""

    def __init__(self, root: Path) -> None:
        self.root, self.paths = root, RunPaths(root)
        self.matrix = root / "matrices" / "tiny.yaml"

    @property
    def plan(self):
        return plan_file(self.matrix, Options())

    def cells(self, row: str = "int4"):
        return {c.seed: c for c in self.plan.cells if c.row.name == row}

    def enter(self, row: str = "int4") -> Entry:
        plan = self.plan
        return enter(plan, find_row(plan, row), None, Signature(name=row), Options())

    def measures(self, node) -> dict[str, Any]:
        return json.loads(self.paths.node(*node.id).result.read_text())["measures"]

    def submit(self, *arguments: str, row: str = "int4", code: int = 0) -> tuple[str, str]:
        """Run the command; return stdout and stderr."""
        line = [sys.executable, "-m", "golf", "submit", "matrices/tiny.yaml", "--row", row]
        env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(
            [*line, *arguments], cwd=self.root, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert 'Traceback (most recent call last):\n  File "/' not in done.stderr or code == 2
        return done.stdout, done.stderr


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    made = Finished(tmp_path_factory.mktemp("submitted"))
    made.matrix.parent.mkdir()
    made.matrix.write_text(MATRIX)
    project = Project(made.root)
    project.run(*(c.ttt for c in made.cells().values()), runtime={"audit": True})
    project.run(*made.plan.nodes.values())
    return made


@pytest.fixture(scope="session")
def entry(original: Finished) -> Entry:
    """The row, as it was run."""
    return original.enter()


@pytest.fixture
def finished(original: Finished, tmp_path: Path) -> Finished:
    """A copy that a test may damage."""
    shutil.copytree(original.root, tmp_path / "project", ignore=shutil.ignore_patterns("records"))
    return Finished(tmp_path / "project")
