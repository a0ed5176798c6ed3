"""What a run leaves behind beside its results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from golf.launch import session
from golf.plan.ledger import Options, plan_file
from golf.plan.shelf import LEAST, Shelf
from tests.plan import played

MANY = """\
name: many
preset: quickstart
factors: {matrix_lr: %s}
"""


def test_a_run_of_many_rows_spares_the_report_reading_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "matrices" / "many.yaml"
    path.parent.mkdir()
    path.write_text(MANY % [round(0.01 + i * 1e-4, 4) for i in range(LEAST // 4)])
    plan = plan_file(path, Options())
    assert len(plan.nodes) > LEAST

    def run(given: session.Plan, begin: Callable[[], None]) -> int:
        begin()
        played.finish(given, lambda row, seed: 1.5)
        return 0

    monkeypatch.setattr(session, "_run", run)
    assert session.run_and_tell(plan, Options()) == 0
    shelf = Shelf(plan.paths)
    found = [shelf.read(node.name) for node in plan.nodes.values()]
    assert all(found)
    assert shelf.anew == []
