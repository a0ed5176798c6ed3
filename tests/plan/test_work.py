"""What is left to do follows from the files that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.knob import Value
from golf.errors import GolfError
from golf.plan.cells import plan_matrix
from golf.plan.graph import Node, Plan
from golf.plan.work import counts, jobs, pending
from golf.records import Result, read_result, write_result
from tests.conftest import TINY, tiny_rows

ROWS: dict[str, dict[str, Value]] = {"int4": {"quant.bits": 4}, "deep": {"model.depth": 3}}


def planned(
    root: Path,
    rows: dict[str, dict[str, Value]] | None = None,
    base: dict[str, Value] | None = None,
    seeds: tuple[int, ...] = (1337,),
) -> Plan:
    return plan_matrix(tiny_rows(base, rows, seeds=seeds), root, "test")


def finish(plan: Plan, *nodes: Node, output: str = "made") -> None:
    """Write results as the stages would, each made from what its input holds now."""
    for node in nodes or plan.nodes.values():
        inputs = {}
        if node.weights:
            source = read_result(plan.node_paths(node.weights))
            inputs[node.weights.name] = source.output_sha256 if source else "?"
        stage, key = node.id
        made = Result(stage, key, {"bpb": 1.0}, dict(node.spec), inputs, output, recipe=1)
        plan.node_paths(node).folder.mkdir(parents=True, exist_ok=True)
        plan.node_paths(node).output(stage).write_text("weights")
        write_result(plan.node_paths(node), made)


def todo(plan: Plan) -> list[str]:
    """Return the pending nodes of the first cell by name."""
    return [name for name, node in named(plan).items() if node.key in pending(plan)]


def named(plan: Plan) -> dict[str, Node]:
    cell = plan.cells[0]
    assert cell.ttt
    parts = [cell.train, cell.pre["chunked"], cell.quantize, cell.post["chunked"], cell.ttt]
    return dict(zip(("train", "pre", "quantize", "post", "ttt"), parts, strict=True))


def test_nothing_is_done_in_a_new_project_and_everything_once_it_ran(tmp_path: Path) -> None:
    plan = planned(tmp_path, ROWS)
    assert pending(plan) == set(plan.nodes)
    finish(plan)
    assert pending(plan) == set()
    assert jobs(plan, pending(plan)) == []


@pytest.mark.parametrize("name", ["train", "pre", "quantize", "post", "ttt"])
def test_a_node_whose_result_was_deleted_is_alone_to_run_again(tmp_path: Path, name: str) -> None:
    plan = planned(tmp_path)
    finish(plan)
    plan.node_paths(named(plan)[name]).result.unlink()
    assert todo(plan) == [name]


@pytest.mark.parametrize(
    ("changed", "stale"),
    [("train", ["pre", "quantize"]), ("quantize", ["post", "ttt"]), ("pre", []), ("ttt", [])],
)
def test_another_output_makes_what_was_made_from_it_pending(
    tmp_path: Path, changed: str, stale: list[str]
) -> None:
    plan = planned(tmp_path)
    finish(plan)
    finish(plan, named(plan)[changed], output="changed")
    assert todo(plan) == stale


def test_a_node_that_ran_again_to_the_same_output_leaves_its_descendants_done(
    tmp_path: Path,
) -> None:
    plan = planned(tmp_path)
    finish(plan)
    finish(plan, named(plan)["train"])
    assert todo(plan) == []


CLEANED = [
    # deleted outputs, deleted results, what is to run
    (["train"], [], []),
    (["train", "quantize"], [], []),
    (["train"], ["pre"], ["train", "pre"]),
    (["train"], ["quantize"], ["train", "quantize"]),
    (["train"], ["post"], ["post"]),
    (["quantize"], ["post"], ["quantize", "post"]),
    (["train", "quantize"], ["ttt"], ["train", "quantize", "ttt"]),
    (["quantize"], ["pre"], ["pre"]),
]


@pytest.mark.parametrize(("outputs", "results", "expected"), CLEANED)
def test_a_file_that_was_cleaned_away_matters_only_to_a_pending_node(
    tmp_path: Path, outputs: list[str], results: list[str], expected: list[str]
) -> None:
    plan = planned(tmp_path)
    finish(plan)
    for name in outputs:
        node = named(plan)[name]
        plan.node_paths(node).output(str(node.stage)).unlink()
    for name in results:
        plan.node_paths(named(plan)[name]).result.unlink()
    assert todo(plan) == expected


def test_a_new_row_costs_only_what_it_does_not_share(tmp_path: Path) -> None:
    finish(planned(tmp_path))
    plan = planned(tmp_path, ROWS)
    new = {n: [str(plan.nodes[k].stage) for k in keys] for n, keys in _new(plan).items()}
    assert new == {
        "baseline": [],
        "int4": ["quantize", "evaluate", "ttt"],
        "deep": ["train", "evaluate", "quantize", "evaluate", "ttt"],
    }


def _new(plan: Plan) -> dict[str, list[str]]:
    left = pending(plan)
    return {c.row.name: [n.key for n in c.nodes() if n.key in left] for c in plan.cells}


def test_counts_are_of_unique_nodes(tmp_path: Path) -> None:
    plan = planned(tmp_path, ROWS)
    finish(plan, *plan.cells[0].nodes())
    left = pending(plan)
    every = [n for c in plan.cells for n in c.nodes()]
    assert (len(every), len(plan.nodes)) == (15, 13)
    assert counts(every, left) == counts(plan.nodes.values(), left) == {"run": 8, "reuse": 5}
    assert counts(plan.cells[1].nodes(), left) == {"run": 3, "reuse": 2}


def test_a_job_is_a_training_with_all_that_hangs_from_it(tmp_path: Path) -> None:
    plan = planned(tmp_path, ROWS)
    work = jobs(plan, pending(plan))
    assert [(j.label, len(j.nodes)) for j in work] == [
        ("baseline · seed 1337", 8),
        ("deep · seed 1337", 5),
    ]
    assert [j.key for j in work] == [plan.cells[0].train.key, plan.cells[2].train.key]
    assert {n.key for j in work for n in j.nodes} == set(plan.nodes)


def test_inputs_come_first_in_a_job(tmp_path: Path) -> None:
    plan = planned(tmp_path, ROWS)
    for job in jobs(plan, pending(plan)):
        keys = [n.key for n in job.nodes]
        assert all(n.weights is None or n.weights.key in keys[:i] for i, n in enumerate(job.nodes))


def test_a_job_of_one_new_quantization_starts_below_the_training(tmp_path: Path) -> None:
    finish(planned(tmp_path))
    plan = planned(tmp_path, {"int4": {"quant.bits": 4}})
    (job,) = jobs(plan, pending(plan))
    assert job.label == "int4 · seed 1337"
    assert [str(n.stage) for n in job.nodes] == ["quantize", "evaluate", "ttt"]


def test_a_job_takes_along_finished_nodes_that_may_turn_out_stale(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    finish(plan)
    plan.node_paths(named(plan)["quantize"]).result.unlink()
    (job,) = jobs(plan, pending(plan))
    names = {n.key: name for name, n in named(plan).items()}
    assert [names[n.key] for n in job.nodes] == ["quantize", "post", "ttt"]


def test_a_first_seed_of_every_row_comes_before_any_second_seed(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"deep": {"model.depth": 3}}, seeds=(7, 5))
    labels = [j.label for j in jobs(plan, pending(plan))]
    assert labels == [
        "baseline · seed 7", "deep · seed 7", "baseline · seed 5", "deep · seed 5",
    ]  # fmt: skip


def test_a_damaged_result_is_reported_and_not_taken_for_unfinished(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    finish(plan)
    broken = plan.node_paths(named(plan)["pre"]).result
    broken.write_text('{"stage": "eva')
    with pytest.raises(GolfError) as caught:
        pending(plan)
    assert caught.value.problems[0].where == str(broken)


def test_a_plan_without_adaptation_is_done_without_it(tmp_path: Path) -> None:
    base = {n: v for n, v in TINY.items() if not n.startswith("ttt.")}
    plan = planned(tmp_path, base=base)
    finish(plan)
    assert (len(plan.nodes), pending(plan)) == (4, set())
