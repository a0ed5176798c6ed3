"""What a plan will take is told from finished nodes, and what was not seen is not guessed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from golf.config.machine import this_machine
from golf.errors import GolfError
from golf.plan.choose import only, with_priority, within_hours
from golf.plan.cost import Estimate
from golf.plan.diff import difference_lines, plan_difference_lines, row_differences
from golf.plan.graph import Node, Plan
from golf.plan.power import power_lines, seeds_for
from golf.plan.predict import Observations, estimate
from golf.plan.show import PlanView, duration, find_row, plan_json, plan_lines
from golf.plan.work import pending, reasons
from golf.records import SCORING, Result, begun, write_result
from tests.plan.played import finish, planned, write_matrix

TEXT = """\
baseline: {ttt: sgd}
budget: {steps: 100}
rows:
  wide: {model_dim: 256, priority: high}
  int4: {bits: 4, priority: low}
  long: {steps: 400}
  child: {parent: wide, rope_dims: 16}
"""
MODELS = {
    name: {"parameters": 1000, "flops_per_token": flops}
    for name, flops in {
        "baseline": 1000, "wide": 4000, "int4": 1000, "long": 1000, "child": 4000,
    }.items()
}  # fmt: skip


def machine_kind(**other: object) -> dict[str, object]:
    kind = {"device": this_machine().cpu_name, "device_type": "cpu", "world_size": 1}
    return {**kind, **other}


def finish_node(
    plan: Plan,
    node: Node,
    wall_s: float,
    scored: float = 1.0,
    told: Mapping[str, float] | None = None,
    **environment: object,
) -> None:
    """Give a node the result of a run that took so long; ``told`` are further measures."""
    inputs = {node.weights.name: node.weights.key} if node.weights else {}
    measures = {"wall_s": wall_s, "bpb": 1.0}
    measures |= {"scored_targets": scored} if node.stage in SCORING else {}
    if node.weights is None:
        tokens = 100 * 2048
        measures |= {"train_s": wall_s - 2, "flops_per_token": 1000.0, "tokens": float(tokens)}
    measures |= told or {}
    stage, key = node.id
    made = Result(
        stage, key, measures, dict(node.spec), inputs, key, 1, machine_kind(**environment)
    )
    write_result(plan.node_paths(node), made)
    plan.node_paths(node).output(stage).touch()


def cost(plan: Plan) -> Estimate:
    return estimate(plan, pending(plan), MODELS, slots=2)


def test_nothing_is_predicted_before_anything_ran(tmp_path: Path) -> None:
    found = cost(planned(write_matrix(tmp_path, TEXT)))
    assert set(found.rows.values()) == {None}
    assert (found.total, found.hours, found.seen) == (None, None, 0)


def test_times_grow_with_the_operations_of_the_work(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TEXT))
    base = plan.cells[0]
    finish_node(plan, base.train, 102.0)
    for node in (*base.pre.values(), base.quantize, *base.post.values(), base.ttt):
        finish_node(plan, node, 10.0)
    found = cost(plan)
    assert found.rows["baseline"] == 0
    # 4 x the operations in training, 4 x in each of pre, quantize, post and TTT
    assert found.rows["wide"] == pytest.approx(4 * 100 + 2 + 4 * 4 * 10)
    assert found.rows["int4"] == pytest.approx(30)
    assert found.rows["long"] == pytest.approx(4 * 100 + 2 + 4 * 10)
    assert found.total == pytest.approx(sum(found.rows.values()))
    assert found.hours == pytest.approx(found.total / 2 / 3600)
    assert found.seen == 5


def test_a_score_takes_as_long_as_its_targets_and_passes(tmp_path: Path) -> None:
    text = """\
evaluate: [chunked, sliding64]
rows:
  learns: {ttt: sgd, ttt_epochs: 2}
  learns-once: {ttt: sgd}
"""
    plan = planned(write_matrix(tmp_path, text))
    base, learns, once = plan.cells
    assert learns.ttt
    assert once.ttt
    finish_node(plan, base.train, 102.0)
    finish_node(plan, base.quantize, 1.0)
    finish_node(plan, base.pre["chunked"], 8.0, scored=16384.0)
    finish_node(plan, learns.ttt, 56.0, scored=16384.0)  # a pass forward, 2 x 3 of learning
    length = base.train.spec["train.seq_len"]
    observed = Observations(plan)
    assert observed.seconds(base.pre["sliding64"], 1000) == pytest.approx(8 * length / 64)
    assert observed.seconds(once.ttt, 1000) == pytest.approx(32)  # a pass forward, 3 of learning
    less = planned(write_matrix(tmp_path, "baseline: {eval.max_tokens: 4096}\n" + text))
    assert Observations(less).seconds(less.cells[0].pre["chunked"], 1000) == pytest.approx(2)


@pytest.mark.parametrize("other", [{"device": "another"}, {"world_size": 8}])
def test_another_kind_of_device_tells_nothing(tmp_path: Path, other: dict[str, object]) -> None:
    plan = planned(write_matrix(tmp_path, TEXT))
    finish_node(plan, plan.cells[0].train, 102.0, **other)
    assert cost(plan).seen == 0


def test_another_seed_of_the_same_training_tells_its_time(tmp_path: Path) -> None:
    path = write_matrix(tmp_path, TEXT + "seeds: [1, 2]\n")
    plan = planned(path)
    finish_node(plan, plan.cells[0].train, 77.0)
    todo = {plan.cells[1].train.key}
    assert estimate(plan, todo, MODELS, 1).rows["baseline"] == 77.0


def test_a_budget_in_seconds_is_its_own_prediction(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, "budget: {seconds: 30}\n"))
    assert estimate(plan, {plan.cells[0].train.key}, MODELS, 1).total == 30


def test_nodes_that_rows_share_are_counted_once(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, "budget: {seconds: 30}\nrows: {int4: {bits: 4}}\n"))
    trainings = {cell.train.key for cell in plan.cells}
    assert estimate(plan, trainings, MODELS, 1).rows == {"baseline": 30, "int4": 0}


def test_money_and_size_are_told(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TEXT))
    seconds = dict.fromkeys(MODELS, 3600.0)
    view = PlanView(plan, MODELS, Estimate(seconds, 5 * 3600.0, 2, 9), price=20.0)
    lines = list(plan_lines(view))
    assert "1h00m" in lines[0]
    assert "10.00" in lines[0]
    assert "time: 2h30m, 2 jobs at a time, 50.00 at 20 an hour (small)" in lines
    assert plan_json(view)["money"] == 50.0
    assert plan_json(view)["rows"][1]["priority"] == "high"


@pytest.mark.parametrize(
    ("rows", "hours", "size"), [(3, 9.0, "large"), (3, 0.5, "small"), (9, None, "medium"),
                                (9, 0.5, "small"), (16, 0.5, "large")]
)  # fmt: skip
def test_the_size_of_a_matrix_follows_from_its_plan(
    tmp_path: Path, rows: int, hours: float | None, size: str
) -> None:
    text = f"factors: {{muon_wd: [{', '.join(f'0.{i:02}' for i in range(1, rows + 1))}]}}\n"
    plan = planned(write_matrix(tmp_path, text))
    total = None if hours is None else hours * 3600
    assert PlanView(plan, cost=Estimate({}, total, 1, 0)).size == size


def test_durations_read_well() -> None:
    assert [duration(s) for s in (41, 750, 11100)] == ["41s", "12m30s", "3h05m"]


def test_only_some_rows_keep_what_they_are_compared_with(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TEXT))
    assert [r.name for r in only(plan, ["child"]).rows.rows] == ["baseline", "wide", "child"]
    assert {c.row.name for c in with_priority(plan, "high").cells} == {"baseline", "wide"}
    with pytest.raises(GolfError, match="no row has priority 'medium'"):
        with_priority(plan, "medium")


def costing(plan: Plan, slots: int = 1, training: float = 0.0, **seconds: float) -> Estimate:
    """Return an estimate in which a row's own quantization takes its time."""
    own = {cell.quantize.key: seconds[cell.row.name] for cell in plan.cells}
    nodes = {cell.train.key: training for cell in plan.cells} | own
    return Estimate(seconds, sum(nodes.values()), slots, 1, nodes)


def test_the_most_important_rows_that_fit_are_chosen(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TEXT))
    estimated = costing(plan, baseline=10, wide=50, int4=5, long=30, child=20)
    assert within_hours(plan, estimated, 65 / 3600) == ["baseline", "wide", "int4"]
    assert within_hours(plan, estimated, 90 / 3600) == ["baseline", "wide", "long"]
    assert within_hours(plan, estimated, 5 / 3600) == []
    with pytest.raises(GolfError, match="the time of row 'wide' is not known"):
        within_hours(plan, Estimate({"baseline": 1.0, "wide": None}, None, 1, 0), 1)


@pytest.mark.parametrize(
    ("slots", "training", "hours", "expected"),
    [
        (1, 0, 80, ["baseline", "a", "b"]),  # b is compared with a, which is less important
        (1, 0, 79, ["baseline", "c", "a", "d"]),
        (1, 100, 219, ["baseline", "c"]),  # d shares the training of a, which is not chosen
        (1, 100, 220, ["baseline", "c", "d"]),
        (2, 0, 9, []),  # one training uses one of two places
    ],
)
def test_a_row_takes_the_time_of_all_that_it_needs(
    tmp_path: Path, slots: int, training: float, hours: float, expected: list[str]
) -> None:
    text = """\
rows:
  a: {depth: 2, priority: low}
  b: {parent: a, bits: 4, priority: high}
  c: {bits: 5}
  d: {depth: 2, bits: 5, priority: low}
"""
    plan = planned(write_matrix(tmp_path, text))
    estimated = costing(plan, slots, training, baseline=10, a=50, b=20, c=5, d=5)
    assert within_hours(plan, estimated, hours / 3600) == expected


def test_a_rerun_says_why(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, "rows: {int4: {bits: 4}}\n"))
    finish(plan, lambda row, seed: 1.0)
    first, second = plan.cells
    post = next(iter(first.post.values()))
    plan.node_paths(post).result.unlink()
    plan.node_paths(post).failed.write_text("{}")
    plan.node_paths(second.quantize).result.unlink()
    plan.node_paths(second.quantize).spec.write_text("{}")
    plan.node_paths(first.quantize).artifact.unlink()
    todo = pending(plan)
    assert reasons(plan, first.nodes(), todo, begun(plan.paths)) == {
        "its file was cleaned away": 1, "it failed before": 1,
    }  # fmt: skip
    assert reasons(plan, second.nodes(), todo, begun(plan.paths))["it was interrupted"] == 1
    lines = list(plan_lines(PlanView(plan)))
    assert "(1 since its file was cleaned away, 1 since it failed before)" in lines[0]


def test_the_difference_of_two_rows_is_told_in_knobs_and_stages(tmp_path: Path) -> None:
    text = "rows:\n  a: {attn_gate: out_gate, gate_width: 8}\n  b: {bits: 4, ttt: sgd}\n"
    plan = planned(write_matrix(tmp_path, text))
    base, a, b = (find_row(plan, name) for name in ("baseline", "a", "b"))
    found = row_differences(base, a)
    assert found["model.attn_gate"] == ("none", "out_gate")
    assert found["model.gate_width"] == ("-", "8")
    assert list(difference_lines(base, a))[-1] == "  touches: train, quantize, evaluate, ttt"
    found = row_differences(base, b)
    assert found["ttt.method"] == ("none", "sgd")
    assert found["ttt.lr"][0] == "-"
    assert list(difference_lines(base, b))[-1] == "  touches: quantize, evaluate, ttt"
    assert list(difference_lines(a, a)) == ["  the same work"]


def test_the_difference_of_two_matrices_is_told_row_by_row(tmp_path: Path) -> None:
    a = planned(write_matrix(tmp_path, "rows: {x: {depth: 2}, y: {bits: 4}, z: {bits: 5}}\n"))
    other = "baseline: {tied: false, name: base}\nrows: {x: {depth: 3}, z: {bits: 5, tied: true}}\n"
    b = planned(write_matrix(tmp_path, other, "b.yaml"))
    lines = list(plan_difference_lines(a, b))
    assert lines[0] == f"only in {tmp_path / 'm.yaml'}: y"
    assert lines[1] == "baseline | base"
    assert "x" in lines
    assert lines[-1] == "1 rows are the same work"


def test_the_seeds_that_resolve_a_difference_do_so_four_times_of_five() -> None:
    number = seeds_for(0.001, 0.0008)
    rng = np.random.default_rng(0)
    differences = rng.normal(0.001, 0.0008 * 2**0.5, (4000, number))
    found = stats.ttest_1samp(differences, 0.0, axis=1).pvalue < 0.05
    assert 0.78 < found.mean() < 0.9
    smaller = stats.ttest_1samp(differences[:, : number - 2], 0.0, axis=1).pvalue < 0.05
    assert smaller.mean() < 0.78


def test_the_power_is_told_at_the_noise_that_was_seen(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, "seeds: [1, 2, 3]\nrows: {a: {depth: 2}}\n"))
    with pytest.raises(GolfError, match="the noise is not known yet"):
        power_lines(plan, 0.001)
    wobble = {("a", 1): 0.001, ("baseline", 2): 0.001}
    finish(plan, lambda row, seed: 1.0 + wobble.get((row, seed), 0.0))
    first, second = power_lines(plan, 0.001)
    assert "noise of one post score: 0.00071 bits per byte (2 degrees of freedom" in first
    assert second.startswith("10 seeds a row would resolve 0.001 bits per byte")
