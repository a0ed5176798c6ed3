"""The kept file of results against the results' own files: it may save reading, never lie."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from golf.errors import GolfError
from golf.files import write_json
from golf.plan.shelf import VERSION, Shelf
from golf.records import Result, RunPaths, write_result

KEYS = ("aa", "bb", "cc")
BROKEN = (
    "",
    "[]",
    "{}",
    '{"version": 3}',
    '{"version": 2, "lines": {"train/aa": [1, 1, 1, 0, "out", {}, {}]}, "abouts": [[{}, {}]]}',
    '{"version": 3, "lines": {"train/aa": [1]}, "abouts": []}',
)


def result(key: str, bpb: float = 1.5) -> Result:
    about = {"device": "CPU", "torch": "2.13"}
    facts = {"counting": "exact", "audit": {"once": True}}
    return Result(
        "train", key, {"bpb": bpb, "wall_s": 2.0}, {}, {"a/b": "h"}, "out", 1, about, facts
    )


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    paths = RunPaths(tmp_path)
    for key in KEYS:
        write_result(paths.node("train", key), result(key))
    return paths


def told(shelf: Shelf, key: str) -> tuple[object, ...] | None:
    found = shelf.read(f"train/{key}")
    parts = ("measures", "inputs", "output_sha256", "environment", "facts")
    return tuple(getattr(found, p) for p in parts) if found else None


def keep(paths: RunPaths) -> None:
    shelf = Shelf(paths, least=1)
    for key in KEYS:
        shelf.read(f"train/{key}")
    shelf.keep()


def test_it_says_what_the_files_say_without_reading_them(paths: RunPaths) -> None:
    fresh = [told(Shelf(paths), key) for key in KEYS]
    keep(paths)
    shelf = Shelf(paths)
    assert [told(shelf, key) for key in KEYS] == fresh
    assert shelf.anew == []
    assert fresh[0] == (
        {"bpb": 1.5, "wall_s": 2.0}, {"a/b": "h"}, "out",
        {"device": "CPU", "torch": "2.13"}, {"counting": "exact", "audit": {"once": True}},
    )  # fmt: skip


def test_a_result_that_was_written_again_is_read_again(paths: RunPaths) -> None:
    keep(paths)
    write_result(paths.node("train", "aa"), result("aa", bpb=1.6))
    file = paths.node("train", "aa").result
    before = json.loads(paths.finished.read_text())["lines"]["train/aa"]
    os.utime(file, ns=(before[2], before[2]))  # same size, same time: another file all the same
    shelf = Shelf(paths)
    found = shelf.read("train/aa")
    assert found
    assert found.measures["bpb"] == 1.6
    assert shelf.anew == ["train/aa"]


@pytest.mark.parametrize("points", [3, 1, 0])
def test_a_curve_is_kept_to_the_last_bit(paths: RunPaths, points: int) -> None:
    file: dict[str, Any] = {
        "columns": ["step", "train_s", "loss", "lr"],
        "points": [[10 * i, 0.1 + i / 3, 4.2 / (i + 7), 1.0] for i in range(points)],
    }
    write_json(paths.node("train", "aa").curve, file)
    fresh = Shelf(paths)
    fresh.read("train/aa")
    expected = fresh.curve("train/aa")
    if points:
        assert expected == {
            name: tuple(point[i] for point in file["points"])
            for i, name in enumerate(("step", "train_s", "loss"))
        }
    else:
        assert expected is None
    keep(paths)
    paths.node("train", "aa").curve.unlink()
    kept = Shelf(paths)
    kept.read("train/aa")
    assert repr(kept.curve("train/aa")) == repr(expected)
    kept.read("train/bb")
    assert kept.curve("train/bb") is None


@pytest.mark.parametrize("points", ["5", "[[1.5, 2.0, 3.0]]", "[[1]]"])
def test_a_damaged_curve_is_named_by_who_asks_for_it_alone(paths: RunPaths, points: str) -> None:
    file = paths.node("train", "aa").curve
    file.write_text(f'{{"columns": ["step", "train_s", "loss"], "points": {points}}}')
    keep(paths)
    shelf = Shelf(paths)
    assert shelf.read("train/aa")
    with pytest.raises(GolfError, match="not a training curve") as caught:
        shelf.curve("train/aa")
    assert caught.value.problems[0].where == str(file)


def test_a_result_that_was_deleted_is_gone_and_an_unknown_one_never_was(paths: RunPaths) -> None:
    keep(paths)
    paths.node("train", "bb").result.unlink()
    assert told(Shelf(paths), "bb") is None
    assert told(Shelf(paths), "dd") is None


@pytest.mark.parametrize("text", BROKEN)
def test_a_damaged_file_is_as_none(paths: RunPaths, text: str) -> None:
    fresh = told(Shelf(paths), "aa")
    paths.finished.write_text(text)
    assert told(Shelf(paths), "aa") == fresh
    keep(paths)
    assert json.loads(paths.finished.read_text())["version"] == VERSION


def test_a_small_project_has_no_such_file(paths: RunPaths) -> None:
    shelf = Shelf(paths)
    assert told(shelf, "aa")
    shelf.keep()
    assert not paths.finished.exists()


def test_where_nobody_may_write_the_files_are_enough(paths: RunPaths) -> None:
    paths.finished.mkdir()
    shelf = Shelf(paths, least=1)
    assert told(shelf, "aa")
    shelf.keep()
    assert paths.finished.is_dir()
