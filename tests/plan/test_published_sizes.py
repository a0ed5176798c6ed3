"""Sizes foretold cold at full size, held against the artifacts that the studies published."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from golf.config.kinds import Kind
from golf.plan.ledger import Options, plan_file
from golf.plan.size.predict import Size, Subject, predict
from golf.plan.size.samples import Sample
from golf.plan.size.told import Told
from golf.stages.context import model_settings
from golf.stages.inspect import counted, efficiency

MATRICES = Path(__file__).parents[2] / "matrices"
SCRIPT = 50_000.0  # bytes, about what the studies' own scripts have

S3 = {"d12": 15_080_000, "d12_shd16": 14_660_000, "final": 15_996_287}  # PR 1774
S4 = {  # PR 1970; two more rows had other embeddings than they say
    "gates_caseops": 16_934_743, "v2_baseline": 15_885_705, "v2_slope03": 15_889_757,
    "v2_slope00": 15_892_782, "v2_gate32": 15_891_157,
}  # fmt: skip
S5 = {"1": 15_863_489, "36": 18_100_000}  # the first baseline of the challenge; PR 1125


@cache
def tried(sample: Sample) -> float:
    return efficiency(sample._asdict())["ratio"]


def foretold(matrix: str, row: str) -> Size:
    cells = plan_file(MATRICES / f"{matrix}.yaml", Options()).cells
    cell = next(c for c in cells if c.row.name == row)
    tensors = counted(model_settings(dict(cell.train.spec)))["tensors"]
    kinds = [Kind(**tensor) for tensor in tensors]
    return predict(Subject(kinds, cell.train.spec, cell.quantize.spec, Told()), SCRIPT, tried)


@pytest.mark.parametrize("row", S5)
def test_what_decay_and_a_floor_under_steps_leave_of_int8_is_foretold(row: str) -> None:
    found = foretold("xsa-gain", row)
    assert found.artifact == pytest.approx(S5[row], rel=0.02)
    assert not found.certain  # only the clock knows how large such weights become


@pytest.mark.parametrize(
    "matrix, row, size",
    [
        *(("shared-attention", row, size) for row, size in S3.items()),
        *(("gates-rope-slope", row, size) for row, size in S4.items()),
    ],
)
def test_published_artifacts_of_gptq_and_brotli_are_foretold(
    matrix: str, row: str, size: int
) -> None:
    found = foretold(matrix, row)
    assert found.artifact == pytest.approx(size, rel=0.01)
    assert abs(found.artifact - size) <= found.doubt
