"""Reports of several sources in one folder never replace each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCORES = "row,seed,post\nbase,1,{}\nbase,2,1.22\n"


def report(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "golf", "report", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    (tmp_path / "sub").mkdir()
    for name, score in (("r.csv", 1.2), ("sub/r.csv", 1.3)):
        (tmp_path / name).write_text(SCORES.format(score))
    (tmp_path / "r.tsv").write_text(SCORES.format(1.4).replace(",", "\t"))
    return tmp_path


@pytest.mark.parametrize("form", ["md", "html"])
@pytest.mark.parametrize("other", ["sub/r.csv", "r.tsv"])
def test_a_report_never_replaces_that_of_another_file(other: str, form: str, folder: Path) -> None:
    assert report(folder, "--runs", "r.csv", "--format", form).returncode == 0
    made = (folder / "reports" / f"r.{form}").read_text()
    done = report(folder, "--runs", other)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"reports/r.{form}: this report is of r.csv; that of {other} would replace it\n"
        "  rename one of the two files, or move this report away\n"
    )
    assert (folder / "reports" / f"r.{form}").read_text() == made
    assert report(folder, "--runs", other, "--format", "csv").returncode == 0


def test_the_same_file_is_reported_again_from_anywhere(folder: Path) -> None:
    assert report(folder, "--runs", "sub/r.csv").returncode == 0
    again = report(folder / "sub", "--runs", "r.csv", "--baseline", "base")
    assert (again.returncode, again.stderr) == (0, "wrote ../reports/r.md\n")
    assert "golf report --runs sub/r.csv --baseline base\n" in again.stdout
    assert report(folder, "--runs", str(folder / "sub" / "r.csv")).returncode == 0


def test_a_file_that_is_gone_has_no_claim(folder: Path) -> None:
    assert report(folder, "--runs", "r.csv").returncode == 0
    (folder / "r.csv").rename(folder / "old.csv")
    assert report(folder, "--runs", "r.tsv").returncode == 0
    assert "1.4000" in (folder / "reports" / "r.md").read_text()


def test_what_golf_did_not_write_is_of_no_source(folder: Path) -> None:
    (folder / "reports").mkdir()
    for words in ("my notes", "To repeat it:\n\n```\nmake 'it\n```\n", "To repeat it:\n\n```\n\n"):
        (folder / "reports" / "r.md").write_text(words)
        assert report(folder, "--runs", "r.csv").returncode == 0
