"""Real torchrun jobs, real kills, real files."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import imports_of
from tests.launch.conftest import SOLO, Golf


def stage_of(golf: Golf, stage: str) -> list[Path]:
    return sorted((golf.root / "runs" / stage).iterdir())


def wait_for(condition, seconds: float = 120.0) -> bool:
    """Return True when ``condition`` holds, False when it never does."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def processes_of(root: Path) -> list[int]:
    """Return the processes that work on nodes under ``root``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if "golf.stages" in line and str(root) in line:
                found.append(int(entry.name))
    return found


def test_a_matrix_runs_through_all_stages_in_one_job_per_training(finished: Golf) -> None:
    counts = {s: len(stage_of(finished, s)) for s in ("train", "quantize", "evaluate", "ttt")}
    assert counts == {"train": 2, "quantize": 3, "evaluate": 5, "ttt": 4}
    logs = [f / "log.txt" for f in stage_of(finished, "train")]
    assert all(log.read_text().count("golf starts: ") == 1 for log in logs)
    assert not [*(finished.root / "runs").glob("*/*/progress.json")]


def test_a_finished_matrix_launches_nothing(finished: Golf) -> None:
    before = finished.results()
    _, err = finished("run", "matrices/tiny.yaml")
    assert "nothing to run, 14 reused" in err
    assert finished("run", "matrices/tiny.yaml", "--dry-run")[0] == ""
    assert finished.results() == before


def test_a_finished_matrix_is_found_finished_without_a_heavy_import(finished: Golf) -> None:
    for command in ("run", "plan"):
        imported = imports_of(command, "matrices/tiny.yaml", cwd=finished.root)
        assert "golf.plan.work" in imported
        assert not imported & {"torch", "pandas", "numpy", "scipy", "rich"}


def test_the_plan_counts_what_is_done(finished: Golf) -> None:
    plan = json.loads(finished("plan", "matrices/tiny.yaml", "--json")[0])
    assert plan["nodes"] == {"run": 0, "reuse": 14}
    assert [r["nodes"] for r in plan["rows"]] == [{"run": 0, "reuse": 5}] * 4
    trained = json.loads((stage_of(finished, "train")[0] / "result.json").read_text())
    assert {r["params"] for r in plan["rows"]} == {trained["measures"]["parameters"]}


def test_a_plan_foretells_time_and_money_from_what_ran(finished: Golf) -> None:
    arguments = ("--set", "depth=2", "--price", "20/h", "--json")
    plan = json.loads(finished("plan", "matrices/tiny.yaml", *arguments)[0])
    assert plan["predicted_from"] == 14
    assert plan["seconds"] == math.fsum(row["seconds"] for row in plan["rows"]) > 0
    assert abs(plan["money"] - 20 * plan["hours"]) < 1e-9
    assert plan["rows"][0]["flops_per_token"] > 0


def test_a_plan_foretells_bytes_from_what_ran(finished: Golf) -> None:
    rows = json.loads(finished("plan", "matrices/tiny.yaml", "--json")[0])["rows"]
    made = [json.loads((f / "result.json").read_text()) for f in stage_of(finished, "quantize")]
    actual = {round(r["measures"]["artifact_bytes"]) for r in made}
    for row in rows:
        size = row["predicted_artifact_bytes"]
        assert min(abs(size / a - 1) for a in actual) < 0.003
        assert row["predicted_fits"] is row["predicted_fits_surely"] is True
        assert row["predicted_bytes_from_rows"] == len(made)
    told, _ = finished("plan", "matrices/tiny.yaml", "--params", "--set", "embed_bits=4")
    assert f"{len(rows)} rows told from {len(made)} finished rows of their preset" in told


def test_a_deleted_node_runs_again_and_what_hangs_from_it_stands(finished: Golf) -> None:
    before = finished.results()
    for stage in ("train", "quantize", "evaluate"):
        shutil.rmtree(stage_of(finished, stage)[0])
        _, err = finished("run", "matrices/tiny.yaml")
        assert "1 nodes run, 13 reused" in err
        assert finished.results() == before


def test_a_cleaned_checkpoint_is_made_again_only_when_it_is_needed(finished: Golf) -> None:
    before = finished.results()
    for folder in stage_of(finished, "train"):
        (folder / "checkpoint.safetensors").unlink()
    assert "nothing to run" in finished("run", "matrices/tiny.yaml")[1]
    for folder in stage_of(finished, "quantize"):
        shutil.rmtree(folder)
    assert "nodes run" in finished("run", "matrices/tiny.yaml")[1]
    assert finished.results() == before


def test_a_job_killed_in_mid_training_ends_with_the_bits_of_an_undisturbed_one(
    finished: Golf, golf: Golf
) -> None:
    for project in (finished, golf):
        (project.root / "matrices" / "solo.yaml").write_text(SOLO)
    chosen = ("checkpoint_seconds=0", "log_every=1", "train.steps=150")
    slow = ["matrices/solo.yaml", *(part for setting in chosen for part in ("--set", setting))]
    finished("run", *slow)
    process = golf.start("run", *slow)
    assert wait_for(lambda: list((golf.root / "runs" / "train").glob("*/resume.safetensors")))
    for pid in processes_of(golf.root):
        os.kill(pid, signal.SIGKILL)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert wait_for(lambda: not processes_of(golf.root))
    assert golf.results() == {}
    golf("run", *slow)
    undisturbed = finished.results()
    assert {k: undisturbed[k] for k in golf.results()} == golf.results()
    assert len(golf.results()) == 5


def test_an_interrupt_stops_every_process_and_the_next_run_goes_on(golf: Golf) -> None:
    process = golf.start("run", "matrices/tiny.yaml", "--set", "train.steps=2000")
    assert wait_for(lambda: len(list((golf.root / "runs" / "train").glob("*/progress.json"))) == 2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command continues from here" in err
    assert "Traceback" not in err
    assert wait_for(lambda: not processes_of(golf.root), 30)


def test_jobs_end_when_golf_itself_is_killed(golf: Golf) -> None:
    process = golf.start("run", "matrices/tiny.yaml", "--set", "train.steps=2000")
    assert wait_for(lambda: list((golf.root / "runs" / "train").glob("*/progress.json")))
    process.kill()
    process.communicate()
    assert wait_for(lambda: not processes_of(golf.root), 60)


def test_a_failing_row_leaves_the_others_and_tells_its_own_reason(golf: Golf) -> None:
    text = golf.matrix.read_text() + "  boom: {head_lr: 1.0e+38}\n"
    golf.matrix.write_text(text)
    _, err = golf("run", "matrices/tiny.yaml", code=1)
    assert "train of boom · seed 1 stopped" in err
    assert "FloatingPointError: the loss is" in err
    assert "1 jobs failed" in err
    out, _ = golf("report", "matrices/tiny.yaml")
    assert "**1 of 5 cells missing**" in out
    assert golf("report", "matrices/tiny.yaml", "--strict", code=1)
    rows = json.loads(golf("report", "matrices/tiny.yaml", "--format", "json")[0])["rows"]
    assert rows[-1]["post_bpb"] is None
    assert rows[0]["n"] == 1


def test_a_second_run_in_the_same_project_is_refused(golf: Golf) -> None:
    process = golf.start("run", "matrices/tiny.yaml", "--set", "train.steps=2000")
    assert wait_for(lambda: (golf.root / "runs" / "run.lock").exists())
    assert wait_for(lambda: (golf.root / "runs" / "run.lock").read_text())
    (ledgers,) = {golf.root / "runs" / "matrices"}
    before = {f.name: f.read_text() for f in ledgers.iterdir()}
    _, err = golf("run", "matrices/tiny.yaml", "--nproc", "2", code=2)
    assert f"process {process.pid}" in err
    assert {f.name: f.read_text() for f in ledgers.iterdir()} == before
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def test_two_processes_give_the_loss_curve_of_one(golf: Golf) -> None:
    """The sums differ in order only; Muon then magnifies the last bits of small gradients."""
    golf.matrix.write_text(SOLO)
    chosen = ("log_every=1", "train.steps=40", "muon_beta2=0.95", "muon_row_norm=true")
    settings = [part for setting in chosen for part in ("--set", setting)]
    for processes in ("1", "2"):
        golf("run", "matrices/tiny.yaml", "--nproc", processes, *settings)
    curves: dict[int, list[float]] = {}
    for folder in stage_of(golf, "train"):
        spec = json.loads((folder / "spec.json").read_text())["spec"]
        points = json.loads((folder / "curve.json").read_text())["points"]
        curves[spec["numerics.world_size"]] = [point[2] for point in points]
    assert len(curves[1]) == len(curves[2]) == 40
    differences = [abs(a - b) for a, b in zip(curves[1], curves[2], strict=True)]
    assert max(differences[:2]) < 1e-6, differences
    assert max(differences) < 0.02, differences


def test_a_node_can_be_run_by_hand_from_its_folder(finished: Golf) -> None:
    before = finished.results()
    folder = stage_of(finished, "quantize")[0]
    (folder / "result.json").unlink()
    line = [sys.executable, "-m", "golf.stages", str(folder)]
    done = subprocess.run(line, cwd="/", env=finished.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert finished.results() == before


def test_jobs_import_nothing_from_the_folder_that_golf_is_called_in(golf: Golf) -> None:
    golf.matrix.write_text(SOLO)
    (golf.root / "golf").mkdir()
    (golf.root / "queue.py").write_text("raise ImportError('not this one')")
    golf.env |= {"WORLD_SIZE": "2", "RANK": "1", "PYTHONSAFEPATH": "1"}
    golf("run", "matrices/tiny.yaml")
    assert golf.results()


def test_runs_may_lie_elsewhere_behind_a_link(golf: Golf, tmp_path: Path) -> None:
    golf.matrix.write_text(SOLO)
    (tmp_path / "elsewhere").mkdir()
    (golf.root / "runs").symlink_to(tmp_path / "elsewhere")
    golf("run", "matrices/tiny.yaml")
    assert "missing" not in golf("report", "matrices/tiny.yaml")[0]
    (train,) = stage_of(golf, "train")
    assert str(train.resolve()).startswith(str(tmp_path / "elsewhere"))


def test_a_run_that_cannot_start_leaves_the_note_of_the_last_one(finished: Golf) -> None:
    _, err = finished("run", "matrices/tiny.yaml", "--device", "cuda", code=2)
    assert "there are 0" in err
    assert "missing" not in finished("report", "matrices/tiny.yaml")[0]


def test_only_starting_jobs_needs_the_gpus_of_a_matrix(golf: Golf) -> None:
    golf.matrix.write_text(f"{SOLO}launch: {{nproc_per_node: 2, device: cuda}}\n")
    line = len(SOLO.splitlines()) + 1
    lack = f"tiny.yaml:{line}:1: jobs 1 x nproc_per_node 2 takes 2 GPUs, there are 0"
    for command in (["run"], ["plan", "--calibrate"]):
        _, err = golf(command[0], "matrices/tiny.yaml", *command[1:], code=2)
        assert lack in err
        assert not (golf.root / "runs" / "data").exists()
    out, err = golf("run", "matrices/tiny.yaml", "--dry-run")
    assert " --nproc-per-node 2 -m golf.stages" in out
    assert lack in err
    out, err = golf("plan", "matrices/tiny.yaml", "--price", "20")
    assert "1 of 1 rows fit" in out
    assert err.count(lack) == 1


def test_two_plans_may_ask_for_sizes_at_once(golf: Golf) -> None:
    asked = [golf.start("plan", "matrices/tiny.yaml", "--params") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in asked]
    assert [process.returncode for process in asked] == [0, 0], told
    assert not [*golf.root.glob("runs/inspect/request*")]


def test_dry_run_prints_the_torchrun_lines_and_starts_nothing(golf: Golf) -> None:
    out, _ = golf("run", "matrices/tiny.yaml", "--dry-run", "--nproc", "2")
    lines = out.splitlines()
    assert "-m golf.data" in lines[0]
    assert len(lines) == 3
    assert all("torchrun --standalone --log-dir /dev/null " in s for s in lines[1:])
    assert all(" --nproc-per-node 2 -m golf.stages" in s for s in lines[1:])
    assert not (golf.root / "runs").exists()


def test_a_copied_project_reports_its_own_runs_and_how_to_repeat_them(
    finished: Golf, tmp_path: Path
) -> None:
    shutil.copytree(finished.root, tmp_path / "copy")
    copy = Golf.__new__(Golf)
    copy.root, copy.env = tmp_path / "copy", finished.env
    out, _ = copy("report", "matrices/tiny.yaml")
    assert out in copy("report")[0]
    assert "golf run matrices/tiny.yaml" in out
    assert "cells missing" not in out
    assert (tmp_path / "copy" / "reports" / "tiny.md").exists()


def test_two_matrices_of_one_name_are_refused(finished: Golf) -> None:
    other = finished.matrix.with_name("other.yaml")
    other.write_text(finished.matrix.read_text())
    _, err = finished("run", "matrices/other.yaml", code=2)
    other.unlink()
    assert "is called 'tiny' too" in err
