"""Sizes before training: entropies against slow references, and what a prediction must obey."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.config.kinds import Kind
from golf.plan.size.grid import largest, normal_bits, searched, uniform_bits
from golf.plan.size.kinds import Grid, grid_of
from golf.plan.size.predict import Size, Subject, predict
from golf.plan.size.show import size_json, size_lines, size_words
from golf.plan.size.told import Sized, Told, told_of
from golf.quant.grid import levels, quantile_scales, searched_scales

TRAINING = {
    "model.tied": True, "model.embed_init_std": 0.02, "optim.embed_lr": 0.03,
    "optim.matrix_lr": 0.04, "train.steps": 400, "train.warmdown_frac": 0.5,
    "train.batch_tokens": 4096,
}  # fmt: skip
QUANT = {
    "quant.method": "rtn", "quant.bits": 6, "quant.embed_bits": 8, "quant.clip": "sigma",
    "quant.clip_sigmas": 6.0, "quant.embed_clip_sigmas": 6.0, "quant.compressor": "ans",
}  # fmt: skip
KINDS = [
    Kind("blocks.mlp.up.master", "mlp", "matrix", "uniform", 4, 512, 128, 0),
    Kind("embed_VC", "embed", "embed", "table", 1, 1024, 128, 0),
    Kind("blocks.gain", "pass", "scalar", "table", 4, 1, 128, 0),
]


def size(told: Told | None = None, **quant: object) -> Size:
    spec = QUANT | {f"quant.{n}": v for n, v in quant.items()}
    return predict(Subject(KINDS, TRAINING, spec, told or Told()), 50_000, lambda _: 1.0)


@pytest.mark.parametrize("step, most", [(0.047, 127), (0.4145, 31), (0.857, 7), (2.0, 1)])
def test_entropies_are_those_of_many_drawn_numbers(step: float, most: int) -> None:
    draw = torch.Generator().manual_seed(3)
    for drawn, bits in (
        (torch.randn(1 << 20, generator=draw), normal_bits),
        ((2 * torch.rand(1 << 20, generator=draw) - 1) * 3**0.5, uniform_bits),
    ):
        counts = (drawn / step).round().clamp(-most, most).unique(return_counts=True)[1].double()
        shares = counts / counts.sum()
        assert bits(step, most) == pytest.approx(float(-(shares * shares.log2()).sum()), abs=4e-3)


@given(st.integers(2, 8), st.floats(0.5, 20))
@settings(max_examples=60, deadline=None)
def test_a_bit_more_never_takes_fewer_bytes_and_a_wider_clip_never_more(
    bits: int, clip: float
) -> None:
    here = size(bits=bits, clip_sigmas=clip).model
    if bits < 8:
        assert size(bits=bits + 1, clip_sigmas=clip).model >= here
    if clip > 2:  # below that, more and more weights sit at the two ends
        assert size(bits=bits, clip_sigmas=1.1 * clip).model <= here + 1


@pytest.mark.parametrize("columns", [64, 512])
def test_grids_of_percentiles_are_those_of_the_quantizer(columns: int) -> None:
    rows = torch.randn(2000, columns, generator=torch.Generator().manual_seed(5))
    for quantile in (0.9, 0.999, 1.0):
        found = float(quantile_scales(rows, 6, quantile).mean()) * levels(6)
        assert largest(columns, quantile) == pytest.approx(found, rel=0.02)
    found = float(searched_scales(rows, 6).mean()) * levels(6)
    assert searched(columns, 6) == pytest.approx(found, rel=0.05)


def test_a_floor_under_the_steps_makes_grids_coarser() -> None:
    assert grid_of("mlp", 64, QUANT, 0.125) == Grid(6 / 31, 31)
    assert grid_of("mlp", 64, {**QUANT, "quant.scale_floor": 0.1}, 0.125) == Grid(0.8, 31)


def test_fp16_and_scales_are_charged_at_what_a_finished_row_paid() -> None:
    lines = {
        "scales": {"entries": 100.0, "coded_bytes": 100.0},
        "passed": {"entries": 100.0, "coded_bytes": 100.0},
    }
    dear = {n: {**line, "coded_bytes": 200.0} for n, line in lines.items()}
    sizes = []
    for table in (lines, dear):
        seen = Sized(TRAINING, QUANT, 400, table, 1000.0)
        sizes.append(size(Told(1, [], [seen])).model)
    assert sizes[1] - sizes[0] == pytest.approx(4 * 512 + 1024 + 4 * 128)


def test_a_finished_row_of_another_preset_tells_nothing() -> None:
    table = {"embed_VC": {"rows": 1024.0, "entries": 131072.0, "entropy_bytes": 1.0,
                          "coded_bytes": 1.0}}  # fmt: skip
    alike, other = ({**TRAINING, **more} for more in ({"train.seed": 9}, {"train.steps": 20}))
    seen = [Sized(t, QUANT, 400, table, 0.0) for t in (alike, other)]
    told = told_of(seen, TRAINING, QUANT)
    assert (told.number, told.weights, told.coders) == (1, seen[:1], seen[:1])
    lzma = told_of(seen, TRAINING, {**QUANT, "quant.compressor": "lzma"})
    assert (lzma.weights, lzma.coders) == (seen[:1], [])


def test_pruning_caps_the_model_and_not_the_code() -> None:
    free = size()
    assert size(prune_to_bytes=200_000).artifact == 250_000
    assert size(prune_to_bytes=10**9).artifact == free.artifact


def test_a_row_that_is_fitted_lands_under_its_cap_where_any_grid_can() -> None:
    assert 249_000 < size(fit_bytes=250_000).artifact <= 250_000
    finest, coarsest = size(fit_bytes=10**9), size(fit_bytes=51_000)
    eight = size(bits=8, embed_bits=8, clip_sigmas=127 / 32, embed_clip_sigmas=127 / 32)
    assert finest.artifact == eight.artifact
    assert coarsest.artifact > 51_000
    less = size(bits=2, embed_bits=2, clip_sigmas=2.5, embed_clip_sigmas=2.5)
    assert coarsest.artifact < less.artifact


def test_low_rank_repairs_cost_bytes() -> None:
    repaired = size(lqer=True, lqer_rank=4, lqer_top_k=3)
    entries = 4 * (1024 + 128) + 2 * 4 * (512 + 128)
    assert 0.2 * entries < repaired.model - size().model < entries


@pytest.mark.parametrize(
    "model, fits, mark",
    [(15_000_000, True, "✅ "), (15_950_000, True, "✅?"), (15_950_001, False, "❌?"),
     (16_950_000, False, "❌ ")],
)  # fmt: skip
def test_the_mark_says_in_or_over_and_whether_that_is_certain(
    model: float, fits: bool, mark: str
) -> None:
    found = Size(model, 50_000, 10.0, 0)
    assert f"fits {mark}" in size_words(found)
    assert size_json(found)["predicted_fits"] is fits


def test_the_plan_says_what_sizes_are_told_from() -> None:
    lines = list(size_lines([Size(1e6, 0, 1e3, 0), Size(17e6, 0, 1e3, 2), Size(17e6, 0, 2e6, 2)]))
    assert lines == [
        "bytes: 1 of 3 rows fit 16,000,000; 1 mark with ? may be wrong",
        "  1 row cold: no row of its preset is finished",
        "  2 rows told from 2 finished rows of their preset",
    ]
    assert math.isclose(size_json(Size(17e6, 5, 2e6, 2))["predicted_artifact_bytes"], 17000005)
    assert size_json(None)["predicted_artifact_bytes"] is None
