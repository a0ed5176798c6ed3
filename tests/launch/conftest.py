"""A project folder with a matrix file, and the real `golf` program to work on it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.matrices import TINY_LINES

SOLO = f"""\
name: tiny
preset: quickstart
seeds: [1]
baseline:
{TINY_LINES}
"""
MATRIX = f"""\
{SOLO}factors:
  rope_dims: [8]
rows:
  int4: {{bits: 4}}
  ttt: {{ttt_lr: 0.05}}
"""


def heed_interrupts() -> None:
    """Undo what a shell does to background jobs: without this a test run there ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Golf:
    """The golf program in a project of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.matrix = root / "matrices" / "tiny.yaml"
        self.matrix.parent.mkdir(parents=True)
        self.matrix.write_text(MATRIX)
        self.env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "golf", *arguments]
        return subprocess.Popen(
            line, cwd=self.root, env=self.env, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heed_interrupts,
        )  # fmt: skip

    def __call__(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """Run a command to its end; return stdout and stderr."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        assert process.returncode == code, out + err
        assert "Traceback" not in err
        return out, err

    def results(self) -> dict[str, str]:
        """Return the output hash of every finished node."""
        found = {}
        for path in sorted((self.root / "runs").glob("*/*/result.json")):
            folder = path.parent
            found[f"{folder.parent.name}/{folder.name}"] = json.loads(path.read_text())[
                "output_sha256"
            ]
        return found


@pytest.fixture
def golf(tmp_path: Path) -> Golf:
    return Golf(tmp_path)


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Golf:
    """A project whose matrix has been run by real torchrun jobs; nobody writes to it."""
    golf = Golf(tmp_path_factory.mktemp("once"))
    golf("run", "matrices/tiny.yaml")
    return golf


@pytest.fixture(scope="module")
def finished(run_once: Golf, tmp_path_factory: pytest.TempPathFactory) -> Golf:
    """A copy of that project, for the tests of one file."""
    golf = Golf(tmp_path_factory.mktemp("finished"))
    shutil.copytree(run_once.root / "runs", golf.root / "runs")
    return golf
