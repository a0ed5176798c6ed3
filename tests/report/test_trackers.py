"""Runs for TensorBoard, W&B and trackio, read back from what the real libraries wrote."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from golf.errors import GolfError
from golf.files import write_json
from golf.plan.ledger import Options, plan_file
from golf.records import Result, RunPaths, write_result
from golf.report.study import Curve
from golf.report.table import analyze
from golf.report.trackers import export, runs
from golf.report.write import Style, make_report
from tests.report.made import row, study

MATRIX = "name: made\npreset: quickstart\nseeds: [7]\nrows: {int4: {bits: 4}}\n"
ROWS = {"baseline-7": "baseline", "int4-7": "int4"}
HISTORY = [
    (10, {"train/loss": 4.0, "train/seconds": 0.5}),
    (20, {"train/loss": 3.0, "train/seconds": 1.0}),
    (240, {"pre_bpb": 1.5, "post_bpb": 1.5, "artifact_bytes": 1000}),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose two rows are done."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "m.yaml").write_text(MATRIX)
    plan = plan_file(folder / "m.yaml", Options())
    for node in [node for cell in plan.cells for node in cell.nodes()]:
        measures = {"bpb": 1.5, "steps": 240, "artifact_bytes": 1000}
        inputs = {node.weights.name: "out"} if node.weights else {}
        made = Result(str(node.stage), node.key, measures, {}, inputs, "out", 1)
        write_result(plan.node_paths(node), made)
        curve = {"columns": ["step", "loss", "train_s"], "points": [[10, 4.0, 0.5], [20, 3.0, 1.0]]}
        write_json(plan.node_paths(node).curve, curve)
    return folder


def report(folder: Path, form: str, **environment: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "golf", "report", "m.yaml", "--format", form]
    keys = ("WANDB_API_KEY", "WANDB_MODE", "TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
    here = {name: value for name, value in os.environ.items() if name not in keys}
    return subprocess.run(
        line, capture_output=True, text=True, cwd=folder, check=False, stdin=subprocess.DEVNULL,
        env={**here, "HOME": str(folder), **environment},
    )  # fmt: skip


def test_a_run_is_a_row_and_seed_with_its_settings_and_numbers() -> None:
    made = study(
        row(
            "a",
            {3: (1.0, 1.5), 4: (None, None)},
            steps=20,
            base={"train.lr": 0.5, "warm": "yes", "clip": math.inf},
        ),
        curve=lambda r, s: Curve([10, 25], [4.0, 3.0]) if s == 3 else None,
    )
    ((about, points),) = runs(analyze(made))
    key = about["config"].pop("id")
    assert len(key) == 12
    assert about == {
        "project": "made",
        "name": "a-3",
        "group": "a",
        "config": {"train/lr": 0.5, "warm": "yes", "clip": "inf", "train/seed": 3},
    }
    assert points[:2] == [(10, {"train/loss": 4.0}), (25, {"train/loss": 3.0})]
    assert points[2:] == [(25, {"pre_bpb": 1.0, "post_bpb": 1.5})], "steps never go back"


def test_a_run_keeps_its_id_until_its_settings_change() -> None:
    def ids(score: float, rate: float) -> list[str]:
        made = study(row("a", {1: (score,), 2: (score,)}, base={"train.lr": rate}))
        return [about["config"]["id"] for about, _ in runs(analyze(made))]

    assert ids(1.0, 0.5) == ids(1.1, 0.5)
    assert len({*ids(1.0, 0.5), *ids(1.0, 0.25)}) == 4


@pytest.mark.parametrize("form", ["tensorboard", "wandb", "trackio"])
def test_a_library_that_is_missing_is_named(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, form.replace("board", "boardX"), None)
    with pytest.raises(GolfError, match=rf"--format {form}.*\n  pip install 'golf\[{form}\]'"):
        export(analyze(study(row("a", (1.0,)))), form, tmp_path / "out")


def test_without_scores_the_table_is_all_there_is(tmp_path: Path) -> None:
    made = make_report(study(row("a", (None, None))), Style("wandb"), RunPaths(tmp_path))
    assert "| a" in made.text
    assert not list(tmp_path.iterdir())


def events(file: Path) -> Iterator[Event]:
    """Read a TensorBoard file record by record, checksums included."""
    raw = file.read_bytes()
    while raw:
        size = int.from_bytes(raw[:8], "little")
        body = raw[12 : 12 + size]
        assert masked_crc32c(body) == int.from_bytes(raw[12 + size : 16 + size], "little")
        yield Event.FromString(body)
        raw = raw[16 + size :]


def test_tensorboard_gets_curves_and_scores(tmp_path: Path) -> None:
    found = analyze(
        study(row("a/../b", (1.0, 1.5), steps=20), curve=lambda r, s: Curve([10, 20], [4.0, 3.0]))
    )
    (tmp_path / "scratch").mkdir()
    (tmp_path / "tb").symlink_to(tmp_path / "scratch")
    for _ in range(2):
        export(found, "tensorboard", tmp_path / "tb")
    assert (tmp_path / "tb").is_symlink()
    (file,) = (tmp_path / "tb" / "a_.._b-1").iterdir()
    values = [(v.tag, e.step, v.simple_value) for e in events(file) for v in e.summary.value]
    assert values[:2] == [("train/loss", 10, 4.0), ("train/loss", 20, 3.0)]
    assert values[2:] == [("pre_bpb", 20, 1.0), ("post_bpb", 20, 1.5)]


def wandb_records(file: Path) -> Iterator[Any]:
    """Read a W&B transaction log: a header, then records in blocks as LevelDB lays them out."""
    from wandb.proto.wandb_internal_pb2 import Record  # noqa: PLC0415 (optional)

    raw, at, body = file.read_bytes(), 7, b""
    while at < len(raw):
        if (room := 32768 - at % 32768) < 7:
            at += room
            continue
        size, kind = int.from_bytes(raw[at + 4 : at + 6], "little"), raw[at + 6]
        body += raw[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(body)
            body = b""


def check_settings(found: dict[str, dict[str, Any]]) -> None:
    assert found.keys() == ROWS.keys()
    assert {config["quant/bits"] for config in found.values()} == {4, 8}
    assert {config["train/seed"] for config in found.values()} == {7}


def told(items: Any) -> dict[str, Any]:
    found = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
    return {name: value for name, value in found.items() if not name.startswith("_")}


def test_wandb_gets_runs_and_nothing_of_this_machine(finished: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    stale = finished / "reports" / "made.wandb" / "wandb" / "offline-run-20200101_000000-old"
    stale.mkdir(parents=True)
    done = report(finished, "wandb", WANDB_MODE="offline")
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "wrote reports/made.wandb\n" in done.stderr
    assert not stale.exists(), "a report replaces the one before it"
    found = {}
    for file in finished.glob("reports/made.wandb/wandb/offline-run-*/run-*.wandb"):
        records = list(wandb_records(file))
        (run,) = [r.run for r in records if r.HasField("run")]
        assert (run.project, run.run_group) == ("made", ROWS[run.display_name])
        found[run.display_name] = told(run.config.update)
        assert run.run_id == found[run.display_name]["id"]
        logged = [r.history for r in records if r.HasField("history")]
        assert [(h.step.num, told(h.item)) for h in logged] == HISTORY
        assert told(u for r in records for u in r.summary.update) == HISTORY[1][1] | HISTORY[2][1]
        assert not (run.host or run.git.remote_url or list(file.parent.glob("files/*")))
        assert not {r.WhichOneof("record_type") for r in records} & {"environment", "stats"}
    check_settings(found)


def test_wandb_without_a_login_says_so_and_leaves_what_was_exported(finished: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    before = finished / "reports" / "made.wandb" / "before"
    before.mkdir(parents=True)
    done = report(finished, "wandb")
    assert done.returncode == 2
    assert "wandb login" in done.stderr
    assert [before.parent] == [*before.parent.parent.glob("*wandb*")]
    assert before.exists()
    assert "Traceback" not in done.stderr


def test_trackio_gets_runs_once(finished: Path, tmp_path: Path) -> None:
    pytest.importorskip("trackio", reason="trackio is not installed")
    home = str(tmp_path / "trackio")
    for _ in range(2):
        done = report(finished, "trackio", TRACKIO_DIR=home)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
    found, logged = {}, {}
    with closing(sqlite3.connect(tmp_path / "trackio" / "made.db")) as base:
        for key, name, config in base.execute("SELECT run_id, run_name, config FROM configs"):
            assert name not in found, "the second export replaces the first"
            found[name] = json.loads(config)
            lines = base.execute("SELECT step, metrics FROM metrics WHERE run_id = ?", (key,))
            logged[name] = [(step, json.loads(metrics)) for step, metrics in lines]
    assert logged == {"baseline-7": HISTORY, "int4-7": HISTORY}
    assert {name: config["_Group"] for name, config in found.items()} == ROWS
    check_settings(found)
