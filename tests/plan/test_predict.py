"""What a node took tells of nodes near it in size, and its start-up of none but itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.plan.graph import Plan
from golf.plan.predict import Observations, estimate
from golf.plan.show import PlanView, plan_lines
from golf.plan.work import pending
from tests.plan.played import planned, write_matrix
from tests.plan.test_cost import TEXT, cost, finish_node

FULL = {"baseline": {"parameters": 254_092, "flops_per_token": 900_000}}


def play(plan: Plan, flops: float, step_s: float, scored: float, others_s: float) -> None:
    """Finish a plan's first cell: seconds of a step, and of every other node."""
    for node in plan.cells[0].nodes():
        batch, steps = (node.training.spec[f"train.{n}"] for n in ("batch_tokens", "steps"))
        assert isinstance(batch, int)
        assert isinstance(steps, int)
        if node.weights is None:
            told = {"tokens": float(steps * batch), "flops_per_token": flops}
            told["train_s"] = steps * step_s
            finish_node(plan, node, steps * step_s + 2, told=told)
        else:
            finish_node(plan, node, others_s, scored)


def whole(root: Path, steps: int = 2000, more: str = "") -> Plan:
    text = f"preset: quickstart\nbaseline: {{ttt: sgd}}\nbudget: {{steps: {steps}}}\n{more}"
    return planned(write_matrix(root, text))


def smoked(root: Path) -> None:
    """Leave what smoke runs of six seeds leave: a few tokens, and overhead."""
    for seed in range(1, 7):
        few = whole(root, more=f"profile: smoke\nseeds: [{seed}]\n")
        play(few, 60_000.0, 0.05, 2048.0, 0.5)


def test_a_smoke_run_tells_nothing_of_the_whole_one(tmp_path: Path) -> None:
    smoked(tmp_path)
    plan = whole(tmp_path)
    found = estimate(plan, pending(plan), FULL, 1)
    assert (found.rows, found.total) == ({"baseline": None}, None)
    lines = list(plan_lines(PlanView(plan, FULL, found, price=20.0)))
    assert "time: not known; 1 of 5 nodes take 8s, 0.04 at 20 an hour" in lines
    assert lines[-1].endswith("golf plan --calibrate runs a short training")


@pytest.mark.parametrize("sister", [20, 400])
def test_one_short_training_tells_of_the_whole_one_in_spite_of_a_smoke_run(
    tmp_path: Path, sister: int
) -> None:
    smoked(tmp_path)
    play(whole(tmp_path, sister), 900_000.0, 0.1, 300_000.0, 10.0)
    plan = whole(tmp_path)
    found = estimate(plan, pending(plan), FULL, 1)
    others = sum(1 for _ in plan.cells[0].nodes()) - 1
    assert found.total == pytest.approx(2000 * 0.1 + 2 + others * 10)
    assert found.seen == others + 1


def test_nodes_near_in_size_outvote_those_farther_off(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TEXT + "seeds: [1, 2, 3, 4, 5]\n"))
    for cell in plan.cells_of(plan.rows.rows[0]):
        finish_node(plan, cell.train, 1002.0)
    wide = next(c for c in plan.cells if c.row.name == "wide")
    finish_node(plan, wide.train, 102.0, told={"flops_per_token": 8000.0})
    deep = planned(write_matrix(tmp_path, TEXT + "factors: {depth: [3]}\n", "deep.yaml"))
    observed = Observations(deep)
    node = next(c for c in deep.cells if c.row.name.startswith("depth")).train
    assert observed.seconds(node, 8000) == pytest.approx(102)
    assert observed.seconds(node, 1000) == pytest.approx(1002)


def test_start_up_does_not_grow_with_the_work(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TEXT))
    base, wide = (next(c for c in plan.cells if c.row.name == n) for n in ("baseline", "wide"))
    finish_node(plan, base.train, 102.0)
    finish_node(plan, base.quantize, 5.0, told={"quantize_s": 2.0})
    finish_node(plan, base.pre["chunked"], 9.0, told={"eval_s": 4.0})
    observed = Observations(plan)
    assert observed.seconds(wide.quantize, 4000) == pytest.approx(4 * 2 + 3)
    assert observed.seconds(wide.pre["chunked"], 4000) == pytest.approx(4 * 4 + 5)


def test_a_text_whose_targets_nobody_counted_is_not_guessed(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, "baseline: {eval.max_tokens: 4096}\n"))
    first = plan.cells[0]
    finish_node(plan, first.train, 102.0)
    finish_node(plan, first.pre["chunked"], 9.0, scored=4096.0)
    other = planned(write_matrix(tmp_path, "seeds: [1]\n"))
    assert Observations(other).seconds(other.cells[0].pre["chunked"], 1000) is None


def test_nothing_to_run_is_told_from_nothing(tmp_path: Path) -> None:
    plan = planned(write_matrix(tmp_path, TEXT))
    for node in plan.nodes.values():
        finish_node(plan, node, 102.0)
    found = cost(plan)
    assert (found.total, found.seen) == (0, 0)
    view = PlanView(plan, cost=found)
    assert "time: 0s (small)" in list(plan_lines(view))[-1]
