"""Imported runs are records: kept, merged, and reported like any others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from golf.errors import GolfError
from golf.logs.meaning import Kind
from golf.logs.read import parse_log
from golf.logs.records import import_run, read_imported, row_name
from golf.logs.summary import read_results, write_block, write_results
from golf.report.imported import study_of

LOGS = Path(__file__).parents[1] / "data" / "logs"


def golf(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "golf", *arguments]
    return subprocess.run(line, capture_output=True, text=True, cwd=cwd, check=False)


def test_a_dry_run_prints_the_index_and_writes_nothing(tmp_path: Path) -> None:
    logs = sorted(map(str, LOGS.glob("*.txt")))
    done = golf(tmp_path, "import", *logs, "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["runs"]
    assert len(runs) == 11
    assert {"seed", "steps", "pre_quant_bpb", "artifact_bytes", "labels"} <= set(runs[0])
    assert list(tmp_path.iterdir()) == []


def test_imported_runs_are_reported_like_others(tmp_path: Path) -> None:
    first = golf(tmp_path, "import", str(LOGS / "sp8192.txt"), "--name", "records")
    assert first.returncode == 0, first.stderr
    more = golf(
        tmp_path, "import", str(LOGS / "ngram-ttt.txt"), "--name", "records", "--row", "tilt"
    )
    assert more.returncode == 0, more.stderr
    (path,) = (tmp_path / "runs" / "imported").iterdir()
    done = golf(tmp_path, "report", "--runs", str(path), "--baseline", "sp8192")
    assert done.returncode == 0, done.stderr
    table = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [line.split("|")[1].strip() for line in table[:3]] == ["Row", "sp8192", "tilt"]
    assert "1.1013" in table[1]
    assert "−0.0036" in table[2]
    assert "qk\\_gain\\_init 5.0" in table[2]


def test_a_loss_without_bits_per_byte_is_a_measure_of_its_own() -> None:
    text = "step:0/9 val_loss:9.9 train_time:0ms\nstep:9/9 val_loss:3.2779 train_time:90ms\n"
    (run,) = parse_log(text, "x.log")
    study = study_of([import_run(run, "x", 0)], "x")
    assert study.others == ("val_loss",)
    assert (study.lines[0]["val_loss"], study.lines[0]["pre_bpb"]) == (3.2779, None)


def test_an_import_keeps_what_was_imported_before(tmp_path: Path) -> None:
    for name in ("naive", "gdn", "naive"):
        golf(tmp_path, "import", str(LOGS / f"{name}.txt"))
    cells = read_imported(tmp_path / "runs" / "imported" / "imported.json")
    assert [c.id for c in cells] == [("naive", 1337), ("gdn", 1341)]
    assert cells[0].results["train"].measures["steps"] == 13780
    assert cells[0].results["quantize"].measures["artifact_bytes"] == 15863489
    assert cells[0].results["post"].facts["label"] == "final_int8_zlib_roundtrip_exact"
    assert cells[0].results["train"].environment["world_size"] == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["import", "none.log"], "none.log: cannot be read"),
        (["import", "empty.log"], "no run found in empty.log"),
        (["import", "empty.log", "--name", "../x"], "--name '../x'"),
        (["report", "--runs", "broken.json"], "broken.json: not a table that `golf import` wrote"),
        (["report", "--runs", "cut.json"], "`golf import LOG` writes such files"),
        (["import", "one.log", "two.log", "--row", "x"], "row 'x' has seed 5 more than once"),
        (["report", "--runs", "bare.json"], "bare.json: no runs in it"),
        (["report", "--runs", "none.csv"], "none.csv: cannot be read"),
        (["report", "--runs", "run.exe"], "run.exe: no file of runs"),
    ],
)
def test_mistakes_are_told_plainly(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "empty.log").write_text("nothing here\n")
    (tmp_path / "broken.json").write_text('{"version": 1, "cells": [{}]}')
    (tmp_path / "cut.json").write_text('{"version": 1, "cel')
    (tmp_path / "one.log").write_text("seed:5\nint8_roundtrip val_bpb:1.2000\n")
    (tmp_path / "two.log").write_text("seed:5\nint8_roundtrip val_bpb:1.3000\n")
    (tmp_path / "bare.json").write_text('{"version": 1, "cells": []}')
    done = golf(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("records/2026-04-05_SP8192/train_seed42.log", "2026-04-05_SP8192"),
        ("records/2026-04-05_SP8192/42.txt", "2026-04-05_SP8192"),
        ("logs/wide-gate_seed42.log", "wide-gate"),
        ("logs/wide-gate_s42.log", "wide-gate"),
        ("logs/sp1042.log", "sp1042"),
        ("logs/window-512.log", "window-512"),
    ],
)
def test_rows_are_named_after_what_tells_logs_apart(path: str, name: str, tmp_path: Path) -> None:
    assert row_name(tmp_path / path, 42) == name


def test_a_results_table_of_autoresearch_survives_a_round_trip() -> None:
    line = {
        "commit": "a1b2c3d", "val_bpb": "0.997900", "memory_gb": "44.0", "status": "keep",
        "description": "baseline\twith a tab",
    }  # fmt: skip
    (found,) = read_results(write_results([line]))
    assert found == {**line, "description": "baseline with a tab"}


def test_a_closing_block_survives_a_round_trip() -> None:
    text = write_block({"pre_bpb": 0.9979, "steps": 953, "train_s": 300.1})
    (run,) = parse_log(text, "x")
    assert run.block == {"val_bpb": "0.997900", "num_steps": "953", "training_seconds": "300.1"}
    assert parse_log("val_bpb: 0.9\n", "x")[0].score(Kind.PRE) is None


TABLE = {
    "version": 1,
    "cells": [
        {
            "row": "a", "seed": 1, "source": "a.log", "sha256": "", "curve": None,
            "settings": {"seed": "1"},
            "results": {
                "pre": {
                    "stage": "evaluate", "key": "", "measures": {"bpb": 1.2}, "spec": {},
                    "inputs": {}, "output_sha256": "", "recipe": 0, "facts": {},
                }
            },
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (json.dumps(TABLE), "[]"),
        ('"bpb": 1.2', '"bpb": "x"'),
        ('"bpb": 1.2', '"bpb": null'),
        ('"bpb": 1.2', '"bpb": true'),
        ('"bpb": 1.2', '"bpb": NaN'),
        ('"bpb": 1.2', f'"bpb": {"9" * 400}'),
        ('"seed": 1', '"seed": "x"'),
        ('"row": "a"', '"row": ["a"]'),
        ('"facts": {}', '"facts": "x"'),
        ('"curve": null', '"curve": {"step": [1], "loss": ["x"]}'),
    ],
)
def test_a_file_of_another_program_is_refused(said: str, instead: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(TABLE))
    assert [c.id for c in read_imported(path)] == [("a", 1)]
    path.write_text(json.dumps(TABLE).replace(said, instead))
    with pytest.raises(GolfError, match="not a table that"):
        read_imported(path)


def test_a_damaged_table_is_not_advised_to_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "cut.json").write_text(json.dumps(TABLE)[:50])
    (tmp_path / "marked.json").write_text("\ufeff" + json.dumps(TABLE))
    (tmp_path / "folder.json").mkdir()
    for name in ("cut", "marked", "folder"):
        with pytest.raises(GolfError, match=r"cannot be read.*\n.*`golf import LOG` writes such"):
            read_imported(tmp_path / f"{name}.json")
