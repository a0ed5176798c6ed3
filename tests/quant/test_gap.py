"""Bytes that add up, and errors against dense references in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from golf.config.schema.quant import QuantConfig
from golf.quant.artifact import Artifact, Packing, pack_artifact
from golf.quant.codec.layout import Layout
from golf.quant.gap import Gap, role_lines
from golf.quant.grid import Codes, levels
from golf.quant.quantize import quantize_weights
from golf.quant.shares import bytes_by_kind

CONFIG = QuantConfig(
    bits=5, clip_sigmas=3.5, embed_bits=6, embed_clip_sigmas=4.0, lqer=True, lqer_top_k=1
)
PACKINGS = {
    "ans": Packing("ans"), "lzma": Packing("lzma"),
    "streams": Packing("brotli", layout=Layout(by_kind=True)),
}  # fmt: skip


def drawn() -> tuple[dict[str, Tensor], dict[str, str]]:
    draw = torch.Generator().manual_seed(4)
    weights = {f"blocks.{i}.up": torch.randn(80, 96, generator=draw) for i in (0, 1)}
    weights |= {"blocks.0.q": torch.randn(64, 64, generator=draw) * 3}
    weights |= {"embed": torch.randn(120, 64, generator=draw), "gain": torch.ones(64) / 3}
    weights |= {"scalar": torch.tensor(1.5)}
    roles = {n: "mlp" if "up" in n else "attn" if "q" in n else "pass" for n in weights}
    return weights, roles | {"embed": "embed"}


def made(hessians: dict[str, Tensor] | None = None) -> tuple[Gap, dict[str, Tensor]]:
    weights, roles = drawn()
    tensors = quantize_weights(weights, roles, CONFIG)
    return Gap(tensors, roles, CONFIG, weights, hessians or {}), weights


@pytest.mark.parametrize("name", PACKINGS)
def test_tensors_and_overhead_add_up_to_the_file(name: str) -> None:
    gap, _ = made()
    packed = pack_artifact(Artifact({"a": 1}, gap.tensors), PACKINGS[name])
    lines = gap.lines(packed, PACKINGS[name])
    roles = {r["role"]: r for r in role_lines(lines, len(packed))}
    assert list(gap.tensors) == [line["tensor"] for line in lines]
    assert sum(r["bytes"] for r in roles.values()) == len(packed)
    assert sum(r["share"] for r in roles.values()) == pytest.approx(1.0)
    assert all(type(line["bytes"]) is int and line["bytes"] >= 0 for line in lines)
    assert 0 < roles["overhead"]["bytes"] < 1600
    by_kind = bytes_by_kind(packed, gap.tensors, PACKINGS[name])
    codes = sum(line["coded_bytes"] for line in by_kind.values())
    assert sum(line["bytes"] for line in lines) == pytest.approx(codes, abs=1)


def test_a_line_says_what_a_dense_reference_finds() -> None:
    gap, weights = made()
    packed = pack_artifact(Artifact({}, gap.tensors), Packing())
    lines = {line["tensor"]: line for line in gap.lines(packed, Packing())}
    for name, tensor in gap.tensors.items():
        back = tensor.dequantize() if isinstance(tensor, Codes) else tensor
        error = np.linalg.norm(back.double().numpy() - weights[name].double().numpy())
        assert lines[name]["error"] == pytest.approx(
            error / np.linalg.norm(weights[name].double().numpy()), rel=1e-4
        )
        if isinstance(tensor, Codes):
            _, counts = np.unique(tensor.codes.numpy(), return_counts=True)
            shares = counts / counts.sum()
            entropy = -(shares * np.log2(shares)).sum()
            assert lines[name]["entropy_bits"] == pytest.approx(entropy)
    settings = {n: (line["bits"], line["clip_sigmas"]) for n, line in lines.items()}
    assert settings["blocks.0.q"] == settings["blocks.1.up"] == (5, 3.5)
    assert (settings["embed"], settings["gain"]) == ((6, 4.0), (16, None))
    assert [lines[n]["shape"] for n in ("scalar", "gain", "embed")] == [[], [64], [120, 64]]


def test_errors_in_the_norm_of_a_hessian() -> None:
    inputs = torch.randn(300, 96, generator=torch.Generator().manual_seed(1))
    gap, weights = made({"blocks.0.up": inputs.T @ inputs})
    packed = pack_artifact(Artifact({}, gap.tensors), Packing())
    lines = {line["tensor"]: line for line in gap.lines(packed, Packing())}
    tensor = gap.tensors["blocks.0.up"]
    assert isinstance(tensor, Codes)
    right = weights["blocks.0.up"].double() @ inputs.double().T
    wrong = tensor.dequantize().double() @ inputs.double().T
    expected = float((wrong - right).norm() / right.norm())
    assert lines["blocks.0.up"]["hessian_error"] == pytest.approx(expected, rel=1e-3)
    assert lines["blocks.1.up"]["hessian_error"] is None


def test_one_bit_less_or_more_is_rounding_at_that_width() -> None:
    gap, weights = made()
    found = {(b["role"], b["other_bits"]): b for b in gap.one_bit()}
    assert set(found) == {(r, b) for r, own in (("attn", 5), ("mlp", 5), ("embed", 6))
                          for b in (own - 1, own + 1)}  # fmt: skip

    def rounded(bits: int) -> tuple[float, float]:
        matrix, most = weights["embed"], levels(bits)
        scale = (4.0 * matrix.std(1) / most).half().float()[:, None]
        codes = (matrix / scale).round().clamp(-most, most)
        _, counts = np.unique(codes.numpy(), return_counts=True)
        entropy = -(counts * np.log2(counts / counts.sum())).sum() / 8
        return float(entropy), float((codes * scale - matrix).norm())

    (size, error), (fewer, worse) = rounded(6), rounded(5)
    assert found["embed", 5]["bytes"] == pytest.approx(fewer - size, abs=1)
    assert found["embed", 5]["error_ratio"] == pytest.approx(worse / error, rel=1e-4)
    assert found["embed", 7]["bytes"] > 0 > found["embed", 5]["bytes"]


def test_without_weights_sizes_are_told_and_errors_are_not() -> None:
    gap, _ = made()
    gap.weights = {}
    packed = pack_artifact(Artifact({}, gap.tensors), Packing())
    lines = gap.lines(packed, Packing())
    assert {line["error"] for line in lines} == {None}
    assert sum(line["bytes"] for line in lines) < len(packed)
    assert gap.one_bit() == []
