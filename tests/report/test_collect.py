"""A plan and the results on disk to a study: what is there, what is missing, what failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.load import load_matrix
from golf.files import write_json
from golf.plan.cells import plan_matrix
from golf.plan.expand import expand
from golf.plan.graph import Node, Plan
from golf.plan.ledger import Options
from golf.records import Result, write_result
from golf.report.collect import collect
from golf.report.study import Failure
from golf.report.table import analyze
from tests.conftest import CPU

MATRIX = """
name: words
question: Does it show?
preset: quickstart
seeds: [1, 2]
evaluate: [chunked, sliding64]
baseline: {ttt: sgd}
rows:
  int4: {bits: 4, why: fewer bytes, expect: -0.01, priority: high, note: cheap}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    matrix = load_matrix(tmp_path / "m.yaml", MATRIX)
    return plan_matrix(expand(matrix, matrix.launch, CPU), tmp_path, "words")


def finish(plan: Plan, node: Node, **measures: float) -> None:
    paths = plan.node_paths(node)
    about = {"device": "CPU", "torch": "2.13"}
    inputs = {node.weights.name: "out"} if node.weights else {}
    made = Result(
        str(node.stage), node.key, {"bpb": 1.5, **measures}, {}, inputs, "out", 1, about,
        {"val_sha256": "abc", "bpb_convention": "all_targets"},
    )  # fmt: skip
    write_result(paths, made)


def test_an_unfinished_plan_is_all_missing(plan: Plan) -> None:
    study = collect(plan)
    assert study.missing == 4
    assert study.is_empty
    assert [line["row"] for line in study.lines] == ["baseline", "baseline", "int4", "int4"]


def test_finished_nodes_fill_their_cells(plan: Plan) -> None:
    cell = plan.cells[2]
    for node in cell.nodes():
        finish(plan, node, steps=240, artifact_bytes=1000, scored_bytes=50)
    finish(plan, cell.post["chunked"], bpb=1.25)
    finish(plan, cell.post["sliding64"], bpb=1.125)
    line = collect(plan).lines[2]
    assert line["complete"]
    assert (line["pre_bpb"], line["post_bpb"], line["ttt_bpb"]) == (1.5, 1.25, 1.5)
    assert line["post_bpb sliding64"] == 1.125
    assert (line["steps"], line["artifact_bytes"], line["scored_bytes"]) == (240, 1000, 50)
    assert (line["torch"], line["val_sha256"]) == ("2.13", "abc")


def test_a_half_done_plan_is_judged_by_the_last_score_that_all_its_rows_will_have(
    plan: Plan,
) -> None:
    finish(plan, plan.cells[0].train)
    finish(plan, plan.cells[0].pre["chunked"])
    assert analyze(collect(plan)).main_score == "ttt_bpb"


def test_a_result_of_an_input_that_changed_is_missing(plan: Plan) -> None:
    cell = plan.cells[0]
    for node in cell.nodes():
        finish(plan, node)
    paths = plan.node_paths(cell.quantize)
    write_result(paths, Result("quantize", cell.quantize.key, {}, {}, {}, "other", 1))
    line = collect(plan).lines[0]
    assert (line["pre_bpb"], line["post_bpb"], line["ttt_bpb"]) == (1.5, None, None)
    assert not line["complete"]


def test_a_result_far_below_an_input_that_changed_is_missing(plan: Plan) -> None:
    cell = plan.cells[0]
    for node in cell.nodes():
        finish(plan, node)
    write_result(plan.node_paths(cell.train), Result("train", cell.train.key, {}, {}, {}, "new", 1))
    line = collect(plan).lines[0]
    assert {line[n] for n in ("pre_bpb", "artifact_bytes", "post_bpb", "ttt_bpb")} == {None}


def test_versions_that_differ_within_a_cell_are_all_named(plan: Plan) -> None:
    cell = plan.cells[0]
    finish(plan, cell.train)
    other = Result("quantize", cell.quantize.key, {}, {}, {}, "out", 1, {"torch": "2.12"})
    write_result(plan.node_paths(cell.quantize), other)
    assert collect(plan).lines[0]["torch"] == "2.12 and 2.13"


@pytest.mark.parametrize(
    ("rows", "facts", "told"),
    [
        ("{m: {ttt: sgd}}", {"updates": 0}, "Test-time training learned nothing, so that its score "
         "is that of weights as they are: m."),
        ("{m: {ttt: lora, phased_ttt_num_phases: 3}}", {"updates": 9, "pauses": 1},
         "The model learned in 1 of 3 pauses of test-time training: m."),
        ("{m: {ttt: lora}}", {"updates": 0, "pauses": 0}, "Test-time training learned nothing, so "
         "that its score is that of weights as they are: m."),
        ("{m: {ttt: lora, phased_ttt_num_phases: 1}}", {"updates": 9, "pauses": 1}, None),
        ("{m: {ttt: sgd}}", {"updates": 9}, None),
        ("{m: {ttt: sgd}}", {}, None),
    ],
)  # fmt: skip
def test_a_method_that_learned_less_than_was_asked_is_told(
    tmp_path: Path, rows: str, facts: dict[str, int], told: str | None
) -> None:
    matrix = load_matrix(tmp_path / "m.yaml", f"name: m\nseeds: [1, 2]\nrows: {rows}\n")
    plan = plan_matrix(expand(matrix, matrix.launch, CPU), tmp_path, "m")
    for cell in plan.cells_of(plan.rows.rows[1]):
        assert cell.ttt
        made = Result("ttt", cell.ttt.key, {"bpb": 1.5}, {}, {}, "", 1, facts=facts)
        write_result(plan.node_paths(cell.ttt), made)
    assert collect(plan).notes == ((told,) if told else ())


def test_failures_are_told_with_row_seed_and_stage(plan: Plan) -> None:
    write_json(plan.node_paths(plan.cells[1].train).failed, {"error": "OutOfMemoryError: big"})
    found = collect(plan).failures
    assert Failure("baseline", 2, "train", "OutOfMemoryError: big") in found
    assert {f.seed for f in found} == {2}


def test_the_words_and_settings_of_rows_are_kept(plan: Plan) -> None:
    base, row = collect(plan).rows
    assert (row.why, row.expect, row.priority, row.note) == (
        "fewer bytes", "−0.0100", "high", "cheap",
    )  # fmt: skip
    assert row.own == {"quant.bits": 4}
    assert row.parent == base.name
    assert base.own == {}
    assert row.settings["model.depth"] == base.settings["model.depth"]


def test_a_curve_is_read_when_asked_for(plan: Plan) -> None:
    cell = plan.cells[0]
    assert collect(plan).curve("baseline", 1) is None
    finish(plan, cell.train)
    points = {"columns": ["step", "train_s", "loss", "lr"], "points": [[10, 0.5, 4.0, 1.0]]}
    write_json(plan.node_paths(cell.train).curve, points)
    curve = collect(plan).curve("baseline", 1)
    assert curve is not None
    assert (list(curve.steps), list(curve.loss), list(curve.seconds)) == ([10], [4.0], [0.5])
    assert curve.tokens == [10 * cell.train.spec["train.batch_tokens"]]


def test_the_report_says_how_to_repeat_it(plan: Plan) -> None:
    options = Options("smoke", ("bits=4",), (("nproc_per_node", 2), ("jobs", 3)))
    study = collect(plan, [options.line(command, "m.yaml") for command in ("run", "report")])
    assert study.commands == (
        "golf run m.yaml --profile smoke --set bits=4 --nproc 2",
        "golf report m.yaml --profile smoke --set bits=4",
    )
