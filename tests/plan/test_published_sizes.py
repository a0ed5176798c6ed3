"""Sizes foretold cold at full size, held against all artifacts that the studies published."""

from __future__ import annotations

import re
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

# Published bytes, and by how many percent the foretold ones are off.
S3 = {
    "d12": (15_080_000, 0.4),
    "d12_shd16": (14_660_000, 0.4),
    "final": (15_996_287, 0.4),
}  # PR 1774
S4 = {  # PR 1970
    "gates_caseops": (16_934_743, 0.8), "v2_baseline": (15_885_705, 0.8),
    "v2_slope03": (15_889_757, 0.8), "v2_slope00": (15_892_782, 0.8),
    "v2_gate32": (15_891_157, 0.8),
}  # fmt: skip
# Rows of the same study that nothing here explains: rope_dims changes no tensor, yet two rows are
# 0.54 MB smaller than the row that they change; tighter clips of the third made its file larger.
S4_UNEXPLAINED = {
    "optimized_v1": (17_256_881, -3.1), "rope24": (16_394_907, 4.1), "rope32": (16_392_886, 4.1),
}  # fmt: skip
# The first baseline of the challenge and PR 1125. How Muon wanders and how long a training by the
# clock lasts were set with these two in sight; the rows above were new to the figures.
S5 = {"1": (15_863_489, -1.7), "36": (18_100_000, 1.8)}


@cache
def tried(sample: Sample) -> float:
    return efficiency(sample._asdict())["ratio"]


def foretold(matrix: str, row: str) -> Size:
    cells = plan_file(MATRICES / f"{matrix}.yaml", Options()).cells
    cell = next(c for c in cells if c.row.name == row)
    tensors = counted(model_settings(dict(cell.train.spec)))["tensors"]
    kinds = [Kind(**tensor) for tensor in tensors]
    return predict(Subject(kinds, cell.train.spec, cell.quantize.spec, Told()), SCRIPT, tried)


def off(found: Size, published: int) -> float:
    """Return by how many percent."""
    return 100 * (found.artifact / published - 1)


@pytest.mark.parametrize("row", S5)
def test_what_decay_and_a_floor_under_scales_leave_of_int8_is_foretold(row: str) -> None:
    published, percent = S5[row]
    found = foretold("xsa-gain", row)
    assert off(found, published) == pytest.approx(percent, abs=0.1)
    assert not found.certain  # only the clock knows how large such weights become


@pytest.mark.parametrize("row", [*S3, *S4])
def test_published_artifacts_of_gptq_and_brotli_are_foretold_within_the_doubt(row: str) -> None:
    matrix = "shared-attention" if row in S3 else "gates-rope-slope"
    published, percent = {**S3, **S4}[row]
    found = foretold(matrix, row)
    assert off(found, published) == pytest.approx(percent, abs=0.1)
    assert abs(found.artifact - published) <= found.doubt


@pytest.mark.parametrize("row", S4_UNEXPLAINED)
def test_rows_that_differ_in_more_than_they_say_are_outside_the_doubt(row: str) -> None:
    published, percent = S4_UNEXPLAINED[row]
    found = foretold("gates-rope-slope", row)
    assert off(found, published) == pytest.approx(percent, abs=0.1)
    assert abs(found.artifact - published) > found.doubt


SHOWN = re.findall(
    r"^    (\S+) +35,944,536 .*? ([\d,]+) B ± ([\d.]+) %",
    (MATRICES.parent / "docs" / "artifacts.md").read_text(),
    re.MULTILINE,
)


@pytest.mark.parametrize("row, size, doubt", SHOWN)
def test_the_sizes_that_the_docs_show_are_foretold(row: str, size: str, doubt: str) -> None:
    found = foretold("bytes", row)
    assert abs(off(found, int(size.replace(",", "")))) < 0.1  # its script is a little larger
    assert found.doubt / found.artifact == pytest.approx(float(doubt) / 100, abs=5.1e-4)


def test_the_docs_show_sizes() -> None:
    assert len(SHOWN) == 3
