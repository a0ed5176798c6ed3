"""Numbers that only change on purpose.

Exact within one machine (run twice, compare); pinned within a tolerance, since processors and
torch versions round differently. When a pinned number fails: restore it, or bump the stage's
recipe in ``golf/plan/graph.py`` and say so in the changelog under *Results change*.
"""

from __future__ import annotations

import pytest

from golf.plan.graph import RECIPE
from golf.records import read_result
from tests.conftest import Project

ADVICE = "restore the numbers, or bump RECIPE and note it in the changelog"


def measures(project: Project) -> dict[str, dict[str, float]]:
    cell = project.plan().cells[0]
    project.run_cell(cell)
    nodes = {"train": cell.train, "quantize": cell.quantize, "post": cell.post["chunked"]}
    assert cell.ttt
    nodes["ttt"] = cell.ttt
    results = {name: read_result(project.files(node)) for name, node in nodes.items()}
    return {name: r.measures for name, r in results.items() if r}


def test_the_numbers_of_the_tiny_model_are_the_known_ones(project: Project) -> None:
    found = measures(project)
    assert found["train"]["train_loss_nats"] == pytest.approx(3.7106, abs=2e-3), ADVICE
    assert found["post"]["bpb"] == pytest.approx(3.2019, abs=2e-3), ADVICE
    assert found["ttt"]["bpb"] == pytest.approx(3.1988, abs=2e-3), ADVICE
    assert found["quantize"]["model_bytes"] == pytest.approx(66867, rel=0.01), ADVICE
    assert found["train"]["parameters"] == 90116, ADVICE


def test_recipes_are_what_the_pinned_numbers_belong_to() -> None:
    assert RECIPE == {"data": 1, "train": 2, "quantize": 2, "evaluate": 1, "ttt": 2}
