"""Low-rank repairs: what they mend, and with how many levels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.config.schema.quant import QuantConfig
from golf.quant.grid import Codes
from golf.quant.lqer import asymmetric_repair, grouped_repair_fits, symmetric_repair
from golf.quant.quantize import quantize_weights


def low_rank(rows: int = 40, columns: int = 64, rank: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(rows, rank, generator=generator)
    return left @ torch.randn(rank, columns, generator=generator)


@pytest.mark.parametrize(("bits", "most"), [(4, 0.35), (6, 0.08), (8, 0.02)])
def test_eight_bits_repair_a_low_rank_error_almost_whole(bits: int, most: float) -> None:
    error = low_rank()
    made = symmetric_repair(error, 3, bits)
    left_over = error - made.left.on_grid() @ made.right.on_grid()
    assert float(left_over.norm() / error.norm()) < most
    assert int(made.left.codes.abs().max()) == 2 ** (bits - 1) - 1


def test_the_asymmetric_form_stays_in_two_and_four_bits() -> None:
    made = asymmetric_repair(low_rank(), 4, 64)
    assert len(made.left.scales) == 1
    assert len(made.right.scales) == 4 * 64 // 64
    assert (int(made.left.codes.min()), int(made.left.codes.max())) >= (-2, -2)
    assert int(made.left.codes.max()) <= 1
    assert -8 <= int(made.right.codes.min()) <= int(made.right.codes.max()) <= 7


@pytest.mark.parametrize(
    ("columns", "rank", "group", "fits"), [(64, 4, 64, True), (63, 4, 64, False), (16, 4, 64, True)]
)
def test_groups_must_be_whole(columns: int, rank: int, group: int, fits: bool) -> None:
    assert grouped_repair_fits(columns, rank, group) is fits


@pytest.mark.parametrize("asym", [True, False])
def test_the_worst_tensors_are_repaired_and_come_closer(asym: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    sizes = {"a": 1.0, "b": 30.0, "c": 10.0}
    weights = {n: s * torch.randn(24, 64, generator=generator) for n, s in sizes.items()}
    buckets = dict.fromkeys(weights, "mlp")
    grid = QuantConfig(bits=3, mlp_clip_sigmas=2.0)
    config = QuantConfig(bits=3, mlp_clip_sigmas=2.0, lqer=True, lqer_top_k=2, lqer_asym=asym)
    before, after = (quantize_weights(weights, buckets, c) for c in (grid, config))
    repaired = {n for n, t in after.items() if isinstance(t, Codes) and t.repair}
    assert repaired == {"b", "c"}
    for name in repaired:
        old, new = before[name], after[name]
        assert isinstance(old, Codes)
        assert isinstance(new, Codes)
        assert torch.equal(old.codes, new.codes)
        errors = [float((t.dequantize() - weights[name]).norm()) for t in (old, new)]
        assert errors[1] < errors[0]


def test_a_width_that_is_no_whole_number_of_groups_is_repaired_symmetrically() -> None:
    config = QuantConfig(bits=3, mlp_clip_sigmas=2.0, lqer=True, lqer_group=64)
    matrix = torch.randn(24, 63, generator=torch.Generator().manual_seed(0))
    made = quantize_weights({"a": matrix}, {"a": "mlp"}, config)["a"]
    assert isinstance(made, Codes)
    assert made.repair
    assert len(made.repair.left.scales) == 24


def test_a_rank_beyond_the_matrix_is_the_whole_error() -> None:
    config = QuantConfig(bits=2, mlp_clip_sigmas=1.0, lqer=True, lqer_rank=99, lqer_asym=False)
    matrix = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    made = quantize_weights({"a": matrix}, {"a": "mlp"}, config)["a"]
    assert isinstance(made, Codes)
    assert made.repair
    assert made.repair.left.codes.shape == (6, 6)
