"""Hold single functions against published numbers: Newton-Schulz, quantizers, CaseOps.

Their files have no entry in an index; what a tensor is of stands in its name: ``ns_tall.in`` and
``ns_tall.polar``, ``gptq.w``, ``gptq.h`` and ``gptq.int6.q``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from golf.data.caseops import decode, encode
from golf.optim.newton_schulz import orthogonalize
from golf.quant.gptq import gptq_round
from golf.quant.grid import fp16_scales, levels, quantize_by_quantile, sigma_scales
from golf.quant.lqer import asymmetric_repair, symmetric_repair

Tensors = dict[str, Tensor]
Judged = Iterator[tuple[str, bool]]

INT8_FLOOR, GPTQ_FLOOR, DAMPING = 1 / 127, 1e-10, 0.01
LEFT_OVER = 4e-4  # of the error that a repair takes away: signs of singular vectors decide more


def functions_of(folder: Path, models: set[str]) -> Judged:
    """Yield what a folder holds beside its models, and whether golf computes the same."""
    for file in sorted(folder.glob("*.safetensors")):
        if file.stem not in models:
            yield from judged(load_file(file))
    if (folder / "caseops.json").exists():
        pairs = json.loads((folder / "caseops.json").read_text())
        same = all(encode(text) == coded and decode(coded) == text for text, coded in pairs)
        yield f"caseops, {len(pairs)} texts", same


def judged(tensors: Tensors) -> Judged:
    """Yield the functions of one file."""
    for name in sorted(tensors):
        prefix, _, part = name.partition(".")
        if prefix.startswith("ns") and part == "in":
            yield from _newton_schulz(tensors, prefix)
        elif prefix.startswith("gptq") and part == "w":
            yield from _gptq(tensors, prefix)
        elif prefix.startswith(("int8", "gate")) and part == "w":
            yield from _by_quantile(tensors, prefix)
        elif prefix.startswith("lqer") and part == "e":
            yield from _repairs(tensors, prefix)


def _newton_schulz(tensors: Tensors, prefix: str) -> Judged:
    for form in ("classic", "polar"):
        if f"{prefix}.{form}" in tensors:
            made = orthogonalize(tensors[f"{prefix}.in"][None], 5, torch.bfloat16, form)[0]
            known = tensors[f"{prefix}.{form}"]
            yield f"{prefix}.{form}", torch.equal(made.float(), known.float())


def _gptq(tensors: Tensors, prefix: str) -> Judged:
    matrix = tensors[f"{prefix}.w"]
    for name, known in sorted(tensors.items()):
        found = re.fullmatch(rf"{prefix}\.int(\d)\.scale", name)
        if not found:
            continue
        bits = int(found[1])
        clips = known.double() * levels(bits) / matrix.double().std(1)
        clip = round(float(clips.median()) * 20) / 20  # published to a twentieth
        scales = fp16_scales(sigma_scales(matrix, bits, clip), floor=GPTQ_FLOOR)
        hessian = tensors[f"{prefix}.h"]
        codes = gptq_round(matrix, hessian, scales, bits, damping=DAMPING, by_diagonal=True)
        same = torch.equal(codes, tensors[f"{prefix}.int{bits}.q"])
        yield f"{prefix}.int{bits}, {clip:g} sigma", same and torch.equal(scales, known)


def _by_quantile(tensors: Tensors, prefix: str) -> Judged:
    matrix = tensors[f"{prefix}.w"]
    gate = prefix.startswith("gate")
    coded = (
        quantize_by_quantile(matrix, 8, 1.0)
        if gate
        else quantize_by_quantile(matrix, 8, floor=INT8_FLOOR)
    )
    same = torch.equal(coded.codes, tensors[f"{prefix}.q"])
    yield prefix, same and torch.equal(coded.scales.float(), tensors[f"{prefix}.scale"].float())


def _repairs(tensors: Tensors, prefix: str) -> Judged:
    error = tensors[f"{prefix}.e"]
    for form in ("sym4", "asym"):
        known = tensors.get(f"{prefix}_{form}.correction")
        if known is None:
            continue
        asymmetric = form == "asym"
        made = asymmetric_repair(error, 4, 64) if asymmetric else symmetric_repair(error, 4, 4)
        ours = made.left.on_grid() @ made.right.on_grid()
        left = [float((error - c).norm() / error.norm()) for c in (ours, known)]
        yield f"{prefix}.{form}", abs(left[0] - left[1]) <= LEFT_OVER
