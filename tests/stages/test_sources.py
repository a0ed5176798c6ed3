"""No node is made from a file that is not what the source's result tells of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from golf.errors import GolfError
from golf.plan.graph import Cell, Node
from golf.plan.work import pending
from golf.records import read_spec
from golf.stages import entry, tensors
from golf.stages.context import Context
from golf.stages.sources import LostSourceError, checked_inputs
from tests.conftest import Project
from tests.stages.material import on_ranks
from tests.stages.results import result

pytestmark = pytest.mark.usefixtures("numerics")


def post_of(cell: Cell) -> Node:
    return cell.post["chunked"]


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize("stage", ["train", "quantize"])
def test_a_node_that_is_killed_once_its_output_is_there_leaves_no_result_of_before(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    cell = lone_project.plan().cells[0]
    node = cell.train if stage == "train" else cell.quantize
    lone_project.run(node)
    files = lone_project.files(node)
    files.output(stage).unlink()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(entry, "write_result", killed)
        with pytest.raises(KeyboardInterrupt):
            lone_project.run_one(node)
    assert files.output(stage).exists()
    assert not files.result.exists()
    assert node.key in pending(lone_project.plan())


@pytest.mark.parametrize("stage", ["train", "quantize"])
def test_a_damaged_file_is_refused_and_made_anew_by_the_next_run(
    lone_project: Project, stage: str
) -> None:
    cell = lone_project.plan().cells[0]
    source, reader = (
        (cell.train, cell.quantize) if stage == "train" else (cell.quantize, post_of(cell))
    )
    lone_project.run(reader)
    output, before = lone_project.files(source).output(stage), result(lone_project, reader)
    lone_project.files(reader).result.unlink()
    cut_off(output)
    with pytest.raises(
        LostSourceError, match="not what its result tells of, and removed"
    ) as caught:
        lone_project.run_one(reader)
    assert caught.value.problems[0].where == str(output)
    assert "golf run" in caught.value.problems[0].hint
    assert {source.key, reader.key} <= pending(lone_project.plan())
    lone_project.run_one(source)
    lone_project.run_one(reader)
    assert result(lone_project, reader).output_sha256 == before.output_sha256


def test_weights_of_another_training_beside_an_old_result_are_refused(
    lone_project: Project,
) -> None:
    plan = lone_project.plan(rows={"other": {"optim.matrix_lr": 0.01}})
    first, second = plan.cells
    lone_project.run(first.train, second.train)
    lone_project.files(second.train).checkpoint.replace(lone_project.files(first.train).checkpoint)
    with pytest.raises(LostSourceError, match="not what its result tells of"):
        lone_project.run_one(first.quantize)
    with pytest.raises(LostSourceError, match="cleaned away"):
        lone_project.run_one(second.quantize)


def test_a_source_without_a_result_is_named(lone_project: Project) -> None:
    cell = lone_project.plan().cells[0]
    lone_project.run(cell.train)
    lone_project.files(cell.train).result.unlink()
    with pytest.raises(LostSourceError, match="not finished") as caught:
        lone_project.run_one(cell.quantize)
    assert caught.value.problems[0].where == str(lone_project.files(cell.train).folder)


def test_all_processes_refuse_a_damaged_file_together(lone_project: Project) -> None:
    cell = lone_project.plan().cells[0]
    lone_project.run(cell.train)
    cut_off(lone_project.files(cell.train).checkpoint)
    node, folder = cell.quantize.record({}), lone_project.files(cell.quantize).folder

    def refused(world: entry.World) -> torch.Tensor:
        with pytest.raises(LostSourceError):
            checked_inputs(Context(node, folder, world, entry.Bench()))
        return torch.ones(1)

    assert len(on_ranks(2, refused)) == 2


def test_what_a_killed_process_half_wrote_goes_when_the_node_runs_again(
    lone_project: Project,
) -> None:
    node = lone_project.plan().cells[0].train
    folder = lone_project.files(node).folder
    folder.mkdir(parents=True)
    left = [".tmpAb3xYz", ".checkpoint.safetensors.4711", ".resume.safetensors.4711", ".kept"]
    for name in left:
        (folder / name).write_text("half")
    lone_project.run_one(node)
    assert [name for name in left if (folder / name).exists()] == [".kept"]


def run_by_hand(project: Project, *nodes: Node, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(entry, "set_numerics", lambda _: None)
    return entry.main([str(project.files(n).folder) for n in nodes])


@pytest.mark.parametrize("content", ["", '{"stage": "tra', None])
def test_a_damaged_spec_of_a_finished_training_is_written_again(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    cell = lone_project.plan().cells[0]
    lone_project.run(post_of(cell))
    lone_project.files(post_of(cell)).result.unlink()
    for node in (cell.train, cell.quantize):
        spec = lone_project.files(node).spec
        spec.unlink() if content is None else spec.write_text(content)
    assert run_by_hand(lone_project, post_of(cell), monkeypatch=monkeypatch) == 0
    for node in (cell.train, cell.quantize):
        assert read_spec(lone_project.files(node).folder) == node.record({})


def test_a_damaged_spec_of_an_unfinished_training_is_named(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cell = lone_project.plan().cells[0]
    lone_project.run(cell.quantize)
    lone_project.files(cell.train).result.unlink()
    lone_project.files(cell.train).spec.write_text("{")
    assert run_by_hand(lone_project, cell.quantize, monkeypatch=monkeypatch) == 2
    assert f"{lone_project.files(cell.train).spec}: cannot be read" in capsys.readouterr().err


def test_errors_of_tensors_are_not_measured_against_other_weights(lone_project: Project) -> None:
    cell = lone_project.plan().cells[0]
    lone_project.run(cell.quantize)
    folder = lone_project.files(cell.quantize).folder
    assert tensors.describe(folder, False)["tensors"][0]["error"] is not None
    cut_off(lone_project.files(cell.train).checkpoint)
    assert tensors.describe(folder, False)["tensors"][0]["error"] is None
    with pytest.raises(GolfError, match="the checkpoint was made anew"):
        tensors.describe(folder, True)
