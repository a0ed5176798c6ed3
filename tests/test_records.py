"""Files that exist are whole, and a result says what it was made from."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from golf.errors import GolfError
from golf.files import (
    canonical_json,
    content_key,
    read_json,
    renamed_into_place,
    write_json,
    write_text,
)
from golf.records import (
    NodePaths,
    NodeSpec,
    Result,
    RunPaths,
    find_root,
    measures_hash,
    read_result,
    read_spec,
    stands,
    write_result,
    write_spec,
)

SPEC = NodeSpec("train", "k1", 1, {"model.depth": 2}, "d1", None, {})


def result(key: str = "k1", stage: str = "train", **changes: object) -> Result:
    made = Result(stage, key, {"bpb": 1.5}, {"model.depth": 2}, {}, "made", recipe=1)
    return dataclasses.replace(made, **changes)


def done(paths: RunPaths, stage: str, key: str, output: str, **inputs: str) -> None:
    """Write a result; inputs are given as STAGE_KEY=output hash."""
    made_from = {name.replace("_", "/"): used for name, used in inputs.items()}
    made = result(key, stage, output_sha256=output, inputs=made_from)
    write_result(paths.node(stage, key), made)


def test_a_file_appears_when_the_block_ends_and_not_before(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with renamed_into_place(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, "old"])
def test_an_exception_leaves_the_old_file_and_no_partial_one(
    tmp_path: Path, before: str | None
) -> None:
    path = tmp_path / "a.txt"
    if before:
        path.write_text(before)
    with pytest.raises(ZeroDivisionError), renamed_into_place(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert [p.read_text() for p in tmp_path.iterdir()] == ([before] if before else [])


def test_a_value_that_is_no_json_leaves_no_file(tmp_path: Path) -> None:
    for value in (float("nan"), {1, 2}):
        with pytest.raises((TypeError, ValueError)):
            write_json(tmp_path / "a.json", {"x": value})
    assert list(tmp_path.iterdir()) == []


def test_a_written_file_can_be_read_by_others(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "é")
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "a.txt").read_bytes() == "é".encode()


def test_json_is_read_back_and_a_missing_file_is_nothing(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": [1, None, "é"], "a": 0.1})
    assert read_json(tmp_path / "a.json") == {"b": [1, None, "é"], "a": 0.1}
    assert read_json(tmp_path / "none.json") is None
    assert read_json(tmp_path / "a.json" / "below.json") is None


def test_a_result_is_read_back(tmp_path: Path) -> None:
    paths = NodePaths(tmp_path / "k1")
    made = result(inputs={"data/d": "x"}, environment={"torch": "2"}, facts={"convention": "exact"})
    write_result(paths, made)
    assert read_result(paths) == made


def test_a_folder_without_a_result_is_unfinished(tmp_path: Path) -> None:
    assert read_result(NodePaths(tmp_path)) is None


GOOD = dataclasses.asdict(result())
DAMAGED = {
    "cut off": json.dumps(GOOD)[:-9],
    "empty": "",
    "no json": "hello",
    "a list": "[]",
    "a field less": json.dumps({n: v for n, v in GOOD.items() if n != "inputs"}),
    "a field more": json.dumps({**GOOD, "more": 1}),
    "a later version": json.dumps({**GOOD, "version": GOOD["version"] + 1}),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_result_is_reported_with_its_file(tmp_path: Path, damage: str) -> None:
    paths = NodePaths(tmp_path)
    paths.result.write_text(DAMAGED[damage])
    with pytest.raises(GolfError) as caught:
        read_result(paths)
    (problem,) = caught.value.problems
    assert problem.where == str(paths.result)
    assert "delete the folder" in problem.hint


def test_a_result_that_is_not_text_is_reported_with_its_file(tmp_path: Path) -> None:
    paths = NodePaths(tmp_path)
    paths.result.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(GolfError, match=r"result\.json: cannot be read"):
        read_result(paths)


def test_a_spec_is_read_back(tmp_path: Path) -> None:
    write_spec(NodePaths(tmp_path), SPEC)
    assert read_spec(tmp_path) == SPEC


@pytest.mark.parametrize("content", [None, "{}", "[]", '{"stage": "train"}'])
def test_a_folder_without_a_spec_of_ours_is_reported(tmp_path: Path, content: str | None) -> None:
    if content:
        NodePaths(tmp_path).spec.write_text(content)
    with pytest.raises(GolfError, match=r"no spec\.json of a node here") as caught:
        read_spec(tmp_path)
    assert caught.value.problems[0].where == str(tmp_path)


@pytest.mark.parametrize(
    ("folders", "matrix", "root"),
    [
        ([], "p/m.yaml", "p"),
        ([], "p/matrices/m.yaml", "p"),
        (["p/runs"], "p/matrices/deep/m.yaml", "p"),
        (["p/runs", "p/matrices/runs"], "p/matrices/m.yaml", "p/matrices"),
        (["p/runs"], "p/a/b/m.yaml", "p"),
        ([], "p/a/b/m.yaml", "p/a/b"),
    ],
)
def test_the_project_of_a_matrix_is_the_nearest_folder_with_runs(
    tmp_path: Path, folders: list[str], matrix: str, root: str
) -> None:
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    assert find_root(tmp_path / matrix) == tmp_path / root


def test_a_file_called_runs_makes_no_project(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    assert find_root(tmp_path / "a" / "m.yaml") == tmp_path / "a"


def test_a_relative_matrix_belongs_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_root(Path("m.yaml")) == tmp_path


def test_a_node_stands_once_it_has_a_result(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    assert not stands(paths, "train", "t")
    done(paths, "train", "t", "one")
    assert stands(paths, "train", "t")


@pytest.mark.parametrize(("output", "expected"), [("one", True), ("two", False)])
def test_a_node_stands_while_its_input_holds_what_it_was_made_from(
    tmp_path: Path, output: str, expected: bool
) -> None:
    paths = RunPaths(tmp_path)
    done(paths, "train", "t", output)
    done(paths, "quantize", "q", "packed", train_t="one")
    assert stands(paths, "quantize", "q") is expected


def test_an_input_that_was_deleted_does_not_count_against_a_node(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    done(paths, "quantize", "q", "packed", train_t="one")
    assert stands(paths, "quantize", "q")


def test_one_changed_input_of_several_is_enough(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    done(paths, "train", "t", "one")
    done(paths, "train", "u", "two")
    done(paths, "quantize", "q", "packed", train_t="one", train_u="other")
    assert not stands(paths, "quantize", "q")


def test_a_node_falls_with_an_input_that_does_not_stand_itself(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path)
    done(paths, "train", "t", "two")
    done(paths, "quantize", "q", "packed", train_t="one")
    done(paths, "evaluate", "e", "score", quantize_q="packed")
    assert not stands(paths, "evaluate", "e")
    assert stands(paths, "evaluate", "e", deeply=False)
    paths.node("quantize", "q").result.unlink()
    assert stands(paths, "evaluate", "e")


def test_a_content_key_is_the_start_of_the_hash_of_canonical_json() -> None:
    assert canonical_json({"b": [1, 2.0], "a": None}) == '{"a":null,"b":[1,2.0]}'
    assert content_key({"b": 1, "a": 2}) == hashlib.sha256(b'{"a":2,"b":1}').hexdigest()[:12]
    assert content_key({"a": 2, "b": 1}) == content_key({"b": 1, "a": 2})
    assert content_key(4) != content_key(4.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, b"x", Path("x")])
def test_only_json_can_be_hashed(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        content_key([value])


def test_clocks_and_memory_do_not_enter_the_hash_of_measures() -> None:
    one = {"bpb": 1.5, "train_s": 3.0, "step_ms": 2.0, "peak_mb": 7.0, "tokens_per_s": 9.0}
    assert measures_hash(one) == measures_hash({"bpb": 1.5})
    assert measures_hash(one) != measures_hash({**one, "bpb": 1.6})


def test_what_later_nodes_read_depends_on_the_stage() -> None:
    paths = NodePaths(Path("n"))
    names = [paths.output(s).name for s in ("train", "quantize", "evaluate", "ttt")]
    assert names == ["checkpoint.safetensors", "artifact.bin", "result.json", "result.json"]
