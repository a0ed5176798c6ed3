"""A node that fails takes down those that read it, and no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from golf.files import read_json
from golf.plan.graph import Cell, Node
from golf.records import FAILED_LINE, read_result, write_spec
from golf.stages import entry
from golf.stages.context import Context, Outcome
from golf.stages.world import World
from tests.conftest import TINY, Project
from tests.stages.material import ALONE

HOT = {**TINY, "ttt.lr": 1e30}


class Pair(World):
    """One of two processes, whose fellow is always where it is."""

    def wait(self) -> None:
        return

    def most(self, value: float) -> float:
        return value


def work(project: Project, nodes: list[Node], world: World = ALONE) -> bool:
    for node in nodes:
        project.prepare(node)
        write_spec(project.files(node), node.record({}))
    given = [(project.files(n).folder, n.record({})) for n in nodes]
    return entry.work_through(given, world)


def raising(error: Exception, node: Node) -> Callable[[Context], None]:
    """Return a ``run_node`` that fails at one node."""
    whole = entry.run_node

    def run_node(context: Context) -> None:
        if context.node.key == node.key:
            raise error
        whole(context)

    return run_node


def cells(project: Project) -> tuple[Cell, Cell]:
    first, second = project.plan(rows={"int4": {"quant.bits": 4}}).cells
    return first, second


def test_a_score_that_is_no_number_is_refused_with_its_reason(lone_project: Project) -> None:
    cell = lone_project.plan(HOT).cells[0]
    assert cell.ttt
    with pytest.raises(FloatingPointError, match=r"bpb is (nan|inf): the weights diverged"):
        lone_project.run(cell.ttt)
    failed = read_json(lone_project.files(cell.ttt).failed)
    assert "lower the rates?" in failed["error"]
    assert not lone_project.files(cell.ttt).result.exists()


def test_the_nodes_after_one_that_failed_run(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = cells(lone_project)
    nodes = [*first.nodes(), *list(second.nodes())[2:]]
    fails = raising(ValueError("no luck"), first.quantize)
    monkeypatch.setattr(entry, "run_node", fails)
    assert not work(lone_project, nodes)
    done = {n.key for n in nodes if read_result(lone_project.files(n))}
    readers = {n.key for n in (first.quantize, first.post["chunked"], first.ttt) if n}
    assert done == {n.key for n in nodes} - readers
    said = [s for s in capsys.readouterr().err.splitlines() if s.startswith(FAILED_LINE)]
    folder = lone_project.files(first.quantize).folder
    assert said == [f"{FAILED_LINE}{folder}: ValueError: no luck"]


def test_a_failure_while_a_result_is_written_is_recorded(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = lone_project.plan().cells[0].train

    def stage(context: Context) -> Outcome:
        return Outcome({"bpb": 1.0}, {"share": float("nan")})

    monkeypatch.setitem(entry.STAGES, "train", stage)
    with pytest.raises(ValueError, match="JSON"):
        lone_project.run_one(node)
    assert "ValueError" in read_json(lone_project.files(node).failed)["error"]


def test_models_that_a_failed_node_left_are_not_used_again(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = cells(lone_project)
    benches = {}

    def run_node(context: Context) -> None:
        benches[context.node.stage] = context.bench
        if context.node.stage == "evaluate":
            raise FloatingPointError("bpb is nan")

    monkeypatch.setattr(entry, "run_node", run_node)
    assert not work(lone_project, [first.train, first.pre["chunked"], first.quantize])
    assert benches["train"] is benches["evaluate"]
    assert benches["quantize"] is not benches["evaluate"]


@pytest.mark.parametrize(("error", "goes_on"), [(FloatingPointError, True), (ValueError, False)])
def test_several_processes_go_on_only_where_all_have_met_the_failure(
    lone_project: Project,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    goes_on: bool,
) -> None:
    first, second = cells(lone_project)
    lone_project.run(first.train)
    monkeypatch.setattr(entry, "run_node", raising(error("no luck"), first.quantize))
    world, nodes = Pair(0, 2, ALONE.device), [first.quantize, second.quantize]
    if goes_on:
        assert not work(lone_project, nodes, world)
    else:
        with pytest.raises(error):
            work(lone_project, nodes, world)
    assert lone_project.files(second.quantize).result.exists() is goes_on
