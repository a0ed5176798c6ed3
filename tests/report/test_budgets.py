"""Two budgets side by side: really run, and judged each against its own parent's runs."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from golf.config.load import load_matrix
from golf.files import read_json
from golf.plan.cells import plan_matrix
from golf.plan.expand import expand
from golf.plan.graph import Plan
from golf.report.collect import collect
from golf.report.findings import findings
from golf.report.formats import as_json
from golf.report.markdown import render
from golf.report.table import analyze
from golf.report.tables.budgets import budgets_table
from golf.report.tables.main import main_table
from tests.conftest import CPU, TINY, Project
from tests.report.made import row, study

KNOBS = {n: v for n, v in TINY.items() if not n.startswith(("train.steps", "ttt."))}
MATRIX = f"""
name: both
seeds: [1]
budget: {{seconds: 0.5, steps: 6, both: [seconds, steps]}}
baseline: {json.dumps(KNOBS)}
rows: {{thin: {{model.depth: 1}}}}
"""


@pytest.fixture(scope="module")
def plan(project: Project) -> Plan:
    """A matrix of two rows, each really run under both budgets."""
    matrix = load_matrix(Path("both.yaml"), MATRIX)
    made = plan_matrix(expand(matrix, matrix.launch, CPU), project.paths.root, "both")
    for cell in made.cells:
        project.run_cell(cell)
    return made


def test_each_column_holds_what_ran_under_its_budget(plan: Plan) -> None:
    analysis = analyze(collect(plan))
    table = budgets_table(analysis)
    assert table
    assert table.title == "Post-quant at equal time and at equal steps"
    lines = {line[0]: dict(zip(table.columns, line, strict=True)) for line in table.rows}
    for cell in plan.cells:
        line = lines[cell.row.name]
        other = cell.also["steps"]
        for column, run in (("equal time", cell), ("equal steps", other)):
            (node,) = run.post.values()
            bpb = read_json(plan.node_paths(node).result)["measures"]["bpb"]
            assert line[f"Score at {column}"] == f"{bpb:.4f}"
        timed, stepped = (read_json(plan.node_paths(c.train).result) for c in (cell, other))
        assert line["Steps at equal time"] == f"{timed['measures']['steps']:,.0f}"
        assert stepped["measures"]["steps"] == 6
        assert line["Train s at equal steps"] == f"{stepped['measures']['train_s']:.1f}"


def test_the_report_says_both_budgets_and_heads_every_column(plan: Plan) -> None:
    text = render(analyze(collect(plan)))
    assert "- Budget: 0.5 seconds, and again 6 steps of 256 tokens" in text
    head = next(line for line in text.splitlines() if line.startswith("| Row"))
    assert "Post-quant at equal steps" in head
    assert collect(plan).budgets == ("seconds", "steps")


def two_budgets(timed: list[float], stepped: list[float]) -> object:
    """Return a baseline around 1.5 and a row with these scores, by seed, under each budget."""
    base, base_steps = [1.5, 1.502, 1.498], [1.6, 1.602, 1.598]
    rows = [
        row("base", {i: (None, v) for i, v in enumerate(base)}),
        row("thin", {i: (None, v) for i, v in enumerate(timed)}, "base"),
    ]
    for (_, lines), values in zip(rows, (base_steps, stepped), strict=True):
        for line, value in zip(lines, values, strict=True):
            line["post_bpb steps"] = value
    return study(*rows, budgets=("seconds", "steps"))


def test_a_row_that_wins_one_budget_and_loses_the_other_is_a_finding() -> None:
    made = two_budgets([1.45, 1.4521, 1.4479], [1.65, 1.6521, 1.6479])
    analysis = analyze(made)  # type: ignore[arg-type]
    (said,) = (f.text for f in findings(analysis) if "equal" in f.text)
    assert said == (
        "thin: better at equal time (−0.0500) but worse at equal steps (+0.0500) vs base."
    )
    told = json.loads(as_json(analysis))["rows"][1]
    assert math.isclose(told["delta"]["post_bpb steps"], 0.05, abs_tol=1e-12)
    assert told["statistics"]["post_bpb steps"]["verdict"] == "worse"


def test_equal_verdicts_are_no_finding_and_one_budget_is_no_table() -> None:
    made = two_budgets([1.45, 1.4521, 1.4479], [1.55, 1.5521, 1.5479])
    assert not [f for f in findings(analyze(made)) if "equal" in f.text]  # type: ignore[arg-type]
    plain = analyze(study(row("base", (1.0, 1.1))))
    assert budgets_table(plain) is None
    assert not [c for c in main_table(plain.table).columns if re.search("equal", c)]
