"""Keys and specs of cells against a slow way: each seed's values apart, each key from its parts."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.knob import Stage, Value
from golf.config.machine import numerics
from golf.config.schema import spec_for
from golf.files import content_key
from golf.plan.cells import plan_matrix
from golf.plan.graph import RECIPE, Node
from tests.conftest import CPU, TINY, tiny_rows

SEEDS = (1, 2)
BASES: dict[str, dict[str, Value]] = {
    "in order": TINY,
    "shuffled": {**TINY, "train.loader": "shuffled_sequence"},
    "shuffled alike": {**TINY, "train.loader": "shuffled_sequence", "train.data_seed": 7},
    "two ways to score": {**TINY, "eval.geometries": ("chunked", "sliding64")},
}


def slow_key(node: Node) -> str:
    source = slow_key(node.weights) if node.weights else node.dataset.key
    return content_key([str(node.stage), RECIPE[node.stage], dict(node.spec), [source]])


@pytest.mark.parametrize("name", BASES)
def test_cells_are_what_each_seed_alone_would_give(name: str) -> None:
    rows = tiny_rows(BASES[name], {"int4": {"quant.bits": 4}}, seeds=SEEDS)
    plan = plan_matrix(rows, Path("/nowhere"), "test")
    assert [(c.row.name, c.seed) for c in plan.cells] == [
        (row.name, seed) for row in rows.rows for seed in SEEDS
    ]
    for cell in plan.cells:
        values = cell.row.seeded(cell.seed)
        spec = spec_for(values, Stage.TRAIN) | numerics(rows.launch, CPU, values)
        assert cell.train.spec == {**spec, "data.dataset": cell.train.dataset.spec["fingerprint"]}
        assert cell.quantize.spec == spec_for(values, Stage.QUANTIZE)
        for node in cell.nodes():
            assert node.key == slow_key(node)
