"""Predicted sizes against real files: cold, and told by one finished row of the preset."""

from __future__ import annotations

import pytest

from golf.config.knob import Value
from golf.launch.inspect import models_and_script
from golf.launch.sizes import sizes
from golf.plan.graph import Plan
from golf.records import read_result
from tests.conftest import TINY, Project

BASE: dict[str, Value] = {n: v for n, v in TINY.items() if not n.startswith("ttt.")}
BASE["train.steps"] = 120  # cold figures are of weights that have left their start
ROWS: dict[str, dict[str, Value]] = {
    "int5": {"quant.bits": 5},
    "lqer": {"quant.lqer": True},
    "wide clip": {"quant.embed_clip_sigmas": 12.0},
    "percentile": {"quant.clip": "percentile", "quant.clip_percentile": 99.9},
    "brotli": {"quant.compressor": "brotli"},
    "packed": {"quant.compressor": "zlib", "quant.bit_pack": True},
    "deeper": {"model.depth": 3},
}


def actual(project: Project, plan: Plan, row: int) -> dict[str, float]:
    project.run(plan.cells[row].quantize)
    result = read_result(project.files(plan.cells[row].quantize))
    assert result
    return result.measures


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which nothing but these rows is finished."""
    return Project(tmp_path_factory.mktemp("sizes"))


@pytest.mark.slow
def test_predictions_hold_for_rows_that_run_later(alone: Project) -> None:
    plan = alone.plan(BASE, ROWS)
    models, script = models_and_script(plan)
    cold = sizes(plan, models, script)
    base = actual(alone, plan, 0)
    assert cold["baseline"].rows == 0
    assert cold["baseline"].model == pytest.approx(base["model_bytes"], rel=0.08)
    assert script == pytest.approx(base["code_bytes"], abs=200)
    told = sizes(plan, models, script)
    assert all(size.rows == 1 for size in told.values())
    assert told["baseline"].model == pytest.approx(base["model_bytes"], abs=1)
    unseen = {"brotli": 0.06, "packed": 0.06}  # how these coders take similar rows is not known
    for number, name in enumerate(ROWS, 1):
        found = actual(alone, plan, number)["model_bytes"]
        assert told[name].model == pytest.approx(found, rel=unseen.get(name, 0.012)), name


def test_counts_of_tensors_are_those_of_the_file(alone: Project) -> None:
    plan = alone.plan(BASE)
    actual(alone, plan, 0)
    result = read_result(alone.files(plan.cells[0].quantize))
    assert result
    table = result.facts["bytes_by_kind"]
    models, _ = models_and_script(plan)
    for kind in models["baseline"]["tensors"]:
        entries = kind["number"] * kind["rows"] * kind["columns"]
        if kind["bucket"] != "pass":
            assert table[kind["kind"]]["entries"] == entries
