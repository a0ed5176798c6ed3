"""Quantizers against numbers that the published programs computed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from golf.quant.gptq import gptq_round
from golf.quant.grid import fp16_scales, quantize_by_quantile, sigma_scales
from golf.quant.lqer import asymmetric_repair, symmetric_repair

KNOWN = load_file(Path(__file__).parents[1] / "data/fidelity/quantizers.safetensors")


@pytest.mark.parametrize(("bits", "clip"), [(5, 6.0), (6, 12.85), (7, 20.0)])
def test_gptq_gives_the_published_codes_and_scales(bits: int, clip: float) -> None:
    matrix = KNOWN["gptq.w"]
    scales = fp16_scales(sigma_scales(matrix, bits, clip), floor=1e-10)
    codes = gptq_round(matrix, KNOWN["gptq.h"], scales, bits, damping=0.01, by_diagonal=True)
    assert torch.equal(scales, KNOWN[f"gptq.int{bits}.scale"])
    assert torch.equal(codes, KNOWN[f"gptq.int{bits}.q"])


@pytest.mark.parametrize("name", ["int8", "int8_small"])
def test_int8_rows_with_the_published_floor(name: str) -> None:
    coded = quantize_by_quantile(KNOWN[f"{name}.w"], 8, floor=1 / 127)
    assert torch.equal(coded.codes, KNOWN[f"{name}.q"])
    assert torch.equal(coded.scales, KNOWN[f"{name}.scale"])


def test_a_gate_keeps_its_largest_value() -> None:
    coded = quantize_by_quantile(KNOWN["gate.w"], 8, 1.0)
    assert torch.equal(coded.codes, KNOWN["gate.q"])
    assert torch.equal(coded.scales, KNOWN["gate.scale"])


@pytest.mark.parametrize("form", ["sym4", "asym"])
def test_repairs_are_the_published_corrections(form: str) -> None:
    error, known = KNOWN["lqer.e"], KNOWN[f"lqer_{form}.correction"]
    made = symmetric_repair(error, 4, 4) if form == "sym4" else asymmetric_repair(error, 4, 64)
    correction = made.left.on_grid() @ made.right.on_grid()
    left_over = {"sym4": 0.7754, "asym": 0.8403}[form]
    assert float((error - correction).norm() / error.norm()) == pytest.approx(left_over, abs=4e-4)
    torch.testing.assert_close(correction, known, rtol=0, atol=0.08 * float(known.abs().max()))
