"""Seconds against caps, and audits, as a reviewer reads them."""

from __future__ import annotations

from typing import Any

import pytest

from golf.plan.cells import plan_matrix
from golf.plan.graph import Plan
from golf.records import Result, write_result
from golf.report.collect import Results
from golf.report.scoring import scoring_lines
from golf.report.sections import scoring_table
from tests.conftest import TINY, tiny_rows

GOOD = {"passed": True, "context": True, "score_first": True, "sums_to_one": True, "once": True}


def lines_of(plan: Plan) -> list[tuple[str, ...]]:
    return scoring_lines(plan, Results(plan).of)


def finished(tmp_path, seconds: float = 5.0, audit: dict[str, Any] | None = None) -> Plan:
    """Return a plan with caps whose scores are all there."""
    base = {**TINY, "runtime.eval_limit_s": 6.0, "runtime.ttt_limit_s": 4.0}
    plan = plan_matrix(tiny_rows(base), tmp_path, "test")
    cell = plan.cells[0]
    for node in (*cell.pre.values(), *cell.post.values(), cell.ttt):
        assert node is not None
        facts = {} if audit is None else {"audit": audit}
        measures = {"bpb": 1.5, "eval_s": seconds, "ttt_s": seconds}
        made = Result(str(node.stage), node.key, measures, {}, {}, "", 1, facts=facts)
        write_result(plan.node_paths(node), made)
    return plan


def test_a_row_over_its_cap_is_marked(tmp_path) -> None:
    assert lines_of(finished(tmp_path)) == [
        ("baseline", "pre chunked", "1.5000", "5.0", "6", "—"),
        ("baseline", "post chunked", "1.5000", "5.0", "6", "—"),
        ("baseline", "TTT sgd", "1.5000", "5.0 ❌", "4", "—"),
    ]


@pytest.mark.parametrize(
    ("failed", "shown"),
    [
        ((), "✅"),
        (("context",), "❌ sees what it may not"),
        (("score_first", "once"), "❌ learns before it scores; targets not scored once"),
    ],
)
def test_an_audit_says_what_failed(tmp_path, failed: tuple[str, ...], shown: str) -> None:
    plan = finished(tmp_path, audit={**GOOD, **dict.fromkeys(failed, False)})
    assert {line[-1] for line in lines_of(plan)} == {shown}


def test_without_results_there_is_no_table(tmp_path) -> None:
    plan = plan_matrix(tiny_rows(), tmp_path, "test")
    assert lines_of(plan) == []
    assert scoring_table(()) is None
