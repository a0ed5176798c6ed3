"""Tables of imported runs: nothing is lost, nothing twice, and no seed is made up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from golf.errors import GolfError
from golf.logs.records import Imported, merge, read_imported
from golf.logs.run import Run
from golf.report.imported import cells_of, read_logs, run_import, study_of
from golf.report.study import SEEDLESS
from golf.report.table import analyze

STEPS = "step:0/20 val_bpb:4.1000\nstep:10/20 train_loss:3.0\n"
END = "step:20/20 val_bpb:{}\nfinal_int8_zlib_roundtrip_exact val_bpb:{}1234\n"


def log(path: Path, bpb: float, seed: int | None = None, end: str = END) -> Path:
    head = "" if seed is None else f"seed:{seed}\n"
    path.parent.mkdir(exist_ok=True)
    path.write_text(head + STEPS + end.format(f"{bpb:.4f}", f"{bpb:.4f}"))
    return path


def runs_of(*paths: Path) -> list[Run]:
    return read_logs(paths)


def table(here: Path, *logs: Path, row: str = "") -> list[Imported]:
    """Import logs into the table of a folder and return what it holds."""
    run_import(logs, "t", row, dry_run=False, print_json=False)
    return read_imported(here / "runs" / "imported" / "t.json")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_runs_without_a_seed_are_numbered_over_the_whole_table(here: Path) -> None:
    old = [log(here / f"old{i}.log", 1.25 + i / 1000) for i in range(3)]
    new = [log(here / f"new{i}.log", 1.24 + i / 1000) for i in range(2)]
    seeded = log(here / "seeded.log", 1.23, seed=1)
    for path in old:
        cells = table(here, path, row="old")
    assert [c.id for c in cells] == [("old", 0), ("old", 1), ("old", 2)]
    cells = table(here, *new, seeded, row="new")
    found = [(*c.id, c.seedless) for c in cells]
    assert found[:3] == [("old", 0, True), ("old", 2, True), ("old", 3, True)]
    assert found[3:] == [("new", 4, True), ("new", 5, True), ("new", 1, False)]


def test_runs_without_a_seed_are_paired_with_nothing(here: Path) -> None:
    old = [log(here / f"old{i}.log", 1.25 + i / 1000) for i in range(3)]
    new = [log(here / f"new{i}.log", 1.24 + i / 1000) for i in range(3)]
    cells = merge(cells_of(runs_of(*old), "old"), cells_of(runs_of(*new), "new"))
    study = study_of(cells, "t")
    assert all(line[SEEDLESS] for line in study.lines)
    assert "Logs without a seed: their runs are numbered, and compared unpaired." in study.notes
    judged = analyze(study).of("new").judged["post_bpb"]
    assert judged
    assert judged.delta.test == "welch"


def test_runs_with_seeds_keep_them_and_are_paired(here: Path) -> None:
    both = [
        cells_of(runs_of(*(log(here / f"{row}{i}.log", bpb + i / 1000, i) for i in (7, 8))), row)
        for row, bpb in (("old", 1.25), ("new", 1.24))
    ]
    study = study_of(merge(*both), "t")
    assert [line["seed"] for line in study.lines] == [7, 8, 7, 8]
    assert not any(SEEDLESS in line for line in study.lines)
    assert len(study.notes) == 1
    judged = analyze(study).of("new").judged["post_bpb"]
    assert judged
    assert judged.delta.test == "paired"


def test_a_table_of_before_tells_by_its_settings_which_runs_have_no_seed(here: Path) -> None:
    log(here / "a.log", 1.25)
    log(here / "b.log", 1.24)
    log(here / "c.log", 1.23, seed=0)
    path = here / "runs" / "imported" / "t.json"
    table(here, *(here / f"{name}.log" for name in "abc"))
    written = json.loads(path.read_text())
    for cell in written["cells"]:
        cell["seed"] = 0
        del cell["seedless"]
    path.write_text(json.dumps(written))
    found = [(*c.id, c.seedless) for c in read_imported(path)]
    assert found == [("a", 1, True), ("b", 2, True), ("c", 0, False)]


def test_a_log_that_is_imported_again_replaces_itself(here: Path) -> None:
    logs = [log(here / f"{name}.log", 1.2) for name in "abc"]
    logs[1].write_text(logs[1].read_text() + STEPS + END.format("1.3000", "1.3000"))
    logs.append(log(here / "d.log", 1.2, seed=1))
    first = table(here, *logs)
    assert [c.seed for c in first] == [0, 2, 3, 4, 1]
    assert table(here, logs[1]) == table(here, logs[3]) == first
    (here / "copies").mkdir()
    moved = logs[1].rename(here / "copies" / "b.log")
    assert [c.id for c in table(here, moved)] == [c.id for c in first]


def test_another_log_for_a_row_and_seed_is_refused_and_nothing_is_lost(here: Path) -> None:
    one = log(here / "A" / "exp_seed1.log", 1.2, seed=1)
    other = log(here / "B" / "exp_seed1.log", 1.3, seed=1)
    first = table(here, one)
    said = f"row 'exp' has seed 1 more than once: {one} and {other}\n.*--row or another --name"
    with pytest.raises(GolfError, match=said):
        table(here, other)
    assert table(here, one) == first
    assert [c.id for c in table(here, other, row="more")] == [("exp", 1), ("more", 1)]
    log(one, 1.4, seed=1)
    with pytest.raises(GolfError, match=r"exp_seed1\.log is not the log that was imported before"):
        table(here, one)


@pytest.mark.parametrize("seed", [None, 5])
def test_a_log_and_its_copy_are_not_two_runs(seed: int | None, here: Path) -> None:
    logs = [log(here / f"{name}.log", 1.2, seed) for name in "ab"]
    with pytest.raises(GolfError, match="leave one of them out"):
        table(here, *logs, row="same")
    assert len(table(here, logs[0], row="same")) == len(table(here, logs[1], row="same")) == 1


def test_two_runs_of_one_row_and_seed_are_refused(here: Path) -> None:
    logs = [log(here / f"{name}.log", bpb, 5) for name, bpb in (("a", 1.2), ("b", 1.3))]
    said = f"row 'same' has seed 5 more than once: {logs[0]} and {logs[1]}"
    with pytest.raises(GolfError, match=said):
        table(here, *logs, row="same")


def test_an_attempt_that_its_own_log_repeats_is_left_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = log(here / "x.log", 1.2, seed=5, end="CUDA error: out of memory\n")
    crashed = path.read_text()
    path.write_text(crashed + crashed + log(here / "y.log", 1.3, seed=5).read_text() + crashed)
    (cell,) = table(here, path)
    assert cell.results["post"].measures["bpb"] == 1.30001234
    told = capsys.readouterr().err
    assert told.count(f"left out: an attempt of seed 5 that ended at step 10, in {path}\n") == 3
    path.write_text(crashed + crashed)
    assert [c.id for c in cells_of(runs_of(path))] == [("x", 5)]


def test_two_finished_runs_of_a_seed_in_one_log_are_told_what_helps(here: Path) -> None:
    path = log(here / "x.log", 1.2, seed=5)
    path.write_text(path.read_text() * 2)
    with pytest.raises(GolfError, match=r"x.log holds two finished runs\n  cut it into a log for"):
        table(here, path)


@pytest.mark.parametrize(
    ("end", "complete"),
    [
        ("", False),
        ("step:20/20 val_loss:nan val_bpb:nan\nint8_roundtrip_exact val_bpb:nan\n", False),
        ("step:20/20 val_loss:3.2 val_bpb:1.2", False),
        (END, True),
    ],
)
def test_a_run_without_a_score_is_not_complete(end: str, complete: bool, here: Path) -> None:
    study = study_of(cells_of(runs_of(log(here / "x.log", 1.2, seed=5, end=end))), "t")
    assert [line["complete"] for line in study.lines] == [complete]
    assert analyze(study).of("x").n == study.lines[0]["complete"]
