"""``golf compare`` of rows, tables and logs; exports; the frame: through the real program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import golf
from golf.report.export import as_results
from golf.report.study import Failure
from golf.report.table import analyze
from tests.report.made import row, study

LOGS = Path(__file__).parents[1] / "data" / "logs"
OLD = "row,seed,post,rope_dims\nbase,1,1.20,16\nbase,2,1.22,16\nwide,1,1.10,32\nwide,2,1.13,32\n"
NEW = "row,seed,post,rope_dims\nbase,1,1.19,16\nbase,2,1.21,16\nlone,1,1.0,8\n"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "golf", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=folder, check=False)


def compared(folder: Path, *sides: str) -> dict[str, Any]:
    done = run(folder, "compare", *sides, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.csv").write_text(OLD)
    (tmp_path / "new.csv").write_text(NEW)
    return tmp_path


def test_two_rows_show_their_settings_and_their_delta(folder: Path) -> None:
    found = compared(folder, "old.csv:base", "old.csv:wide")
    assert found["settings"] == [{"Setting": "model.rope_dims", "From": "16", "To": "32"}]
    (line,) = found["scores"]
    assert (line["Δ"], line["Test"], line["n"]) == ("−0.0950", "paired", "2")


def test_curves_are_compared_where_seeds_match(tmp_path: Path) -> None:
    slower = (LOGS / "naive.txt").read_text().replace("train_loss:2.", "train_loss:3.")
    (tmp_path / "slower.txt").write_text(slower)
    found = compared(tmp_path, str(LOGS / "naive.txt"), "slower.txt")
    assert {x["Δ training loss"] for x in found["curve"]} <= {"+1.0000", "+0.0000"}
    assert len(found["curve"]) > 3


def test_two_tables_are_compared_row_by_row(folder: Path) -> None:
    (line,) = compared(folder, "old.csv", "new.csv")["rows"]
    assert (line["Row"], line["Δ"]) == ("base", "−0.0100")
    text = run(folder, "compare", "old.csv", "new.csv").stdout
    assert "Only in old.csv: wide." in text
    assert "Only in new.csv: lone." in text


def test_two_logs_are_compared_as_they_are(tmp_path: Path) -> None:
    found = compared(tmp_path, str(LOGS / "sp8192.txt"), str(LOGS / "ngram-ttt.txt"))
    changed = {x["Setting"]: (x["From"], x["To"]) for x in found["settings"]}
    assert changed["muon_momentum"] == ("0.99", "0.97")
    assert "logfile" not in changed
    assert [x["Δ"] for x in found["scores"]] == ["−0.0026", "−0.0036"]
    assert "curve" not in found  # their seeds differ


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        (["old.csv"], "compare wants two sides, found 1"),
        (["old.csv", "new.csv:base"], "a row cannot be compared with a whole table"),
        (["old.csv:bsae", "new.csv:base"], "old.csv: no row 'bsae'\n  did you mean 'base'?"),
        (["none.log", "old.csv"], "none.log: cannot be read"),
    ],
)
def test_sides_that_do_not_fit_are_told(sides: list[str], message: str, folder: Path) -> None:
    done = run(folder, "compare", *sides)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pasted_table_is_verified_by_the_command(folder: Path) -> None:
    made = run(folder, "report", "--runs", "old.csv")
    (folder / "table.md").write_text(made.stdout)
    good = run(folder, "report", "--runs", "old.csv", "--verify", "table.md")
    assert (good.returncode, good.stdout.splitlines()[-1][-9:]) == (0, " 0 differ")
    bad = run(folder, "report", "--runs", "new.csv", "--verify", "table.md")
    assert bad.returncode == 1
    assert "base | Post-quant: the table says 1.2100" in bad.stdout
    (folder / "words.md").write_text("no table\n")
    none = run(folder, "report", "--runs", "new.csv", "--verify", "words.md")
    assert none.returncode == 2
    assert "no table of new here" in none.stderr


def test_a_pasted_table_is_utf_8_with_or_without_its_mark(folder: Path) -> None:
    table = "| Row | Post-quant |\n|--|--|\n| base | 1.2100 |\n"
    asking = ("report", "--runs", "old.csv", "--verify", "table.md")
    (folder / "table.md").write_text(table, encoding="utf-8-sig")
    assert run(folder, *asking).stdout == "1 cells checked, 0 differ\n"
    (folder / "table.md").write_text(table, encoding="utf-16")
    assert run(folder, *asking).stderr == "table.md: this text is UTF-16\n  save it as UTF-8\n"
    (folder / "table.md").write_bytes(b"\0")
    done = run(folder, *asking)
    assert done.stderr.startswith("table.md: not a text file\n  a table of `golf report`, or one")


@pytest.mark.parametrize("form", ["csv", "json", "latex", "tsv"])
def test_every_format_is_printed(form: str, folder: Path) -> None:
    done = run(folder, "report", "--runs", "old.csv", "--format", form)
    assert done.returncode == 0, done.stderr
    assert "wide" in done.stdout
    assert not (folder / "reports").exists()


def test_the_page_is_written_beside_the_markdown(folder: Path) -> None:
    done = run(folder, "report", "--runs", "old.csv", "--format", "html")
    assert done.stderr == "wrote reports/old.html\n"
    assert (folder / "reports" / "old.html").read_text().startswith("<!doctype html>")


def test_results_are_a_frame(folder: Path) -> None:
    frame = golf.results(folder / "old.csv")
    assert list(frame["row"]) == ["base", "base", "wide", "wide"]
    assert frame["post_bpb"].mean() == pytest.approx(1.1625)
    assert frame.set_index(["row", "seed"]).loc[("wide", 2), "post_bpb"] == 1.13


def test_the_table_of_autoresearch_tells_keeps_from_crashes() -> None:
    found = analyze(
        study(
            row("base", (1.0, 1.1), commit="0123456789ab"),
            row("good", (1.0, 1.05), "base", change="a\tb"),
            row("bad", (1.0, 1.2), "base"),
            row("dead", (None, None), "base"),
            failures=(Failure("dead", 1, "train", "out of memory"),),
        )
    )
    lines = [x.split("\t") for x in as_results(found).splitlines()]
    assert lines[0] == ["commit", "val_bpb", "memory_gb", "status", "description"]
    assert lines[1][:2] == ["0123456", "1.100000"]
    assert [x[3] for x in lines[1:]] == ["keep", "keep", "discard", "crash"]
    assert lines[2][4] == "good: a b"
    assert lines[4][1] == "0.000000"
