"""The bytes of an artifact by kind of matrix: they add up, and match what a kind costs alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.config.schema.quant import QuantConfig
from golf.quant.artifact import Artifact, Packing, matrices_of, pack_artifact
from golf.quant.codec.layout import Layout
from golf.quant.entry import kind_of
from golf.quant.grid import Codes
from golf.quant.quantize import quantize_weights
from golf.quant.shares import bytes_by_kind

PACKINGS = {
    "ans": Packing("ans"),
    "brotli": Packing("brotli"),
    "streams": Packing("brotli", layout=Layout(by_kind=True)),
    "lzma": Packing("lzma"),
}


def tensors(lqer: bool = True) -> dict[str, Codes | Tensor]:
    """Return two layers of matrices, an embedding of similar rows, and what passes through."""
    draw = torch.Generator().manual_seed(7)
    weights = {
        f"blocks.{i}.{name}": torch.randn(96, 128, generator=draw)
        for i in (0, 1)
        for name in ("up", "down")
    }
    common = torch.randn(1, 64, generator=draw)
    weights["embed"] = common + 0.1 * torch.randn(200, 64, generator=draw)
    weights["gain"] = torch.randn(64, generator=draw)
    buckets = dict.fromkeys(weights, "mlp") | {"embed": "embed", "gain": "pass"}
    config = QuantConfig(bits=6, clip_sigmas=6.0, embed_clip_sigmas=12.0, lqer=lqer)
    return quantize_weights(weights, buckets, config)


def codes(made: dict[str, Codes | Tensor]) -> list[Codes]:
    return [t for t in made.values() if isinstance(t, Codes)]


@pytest.mark.parametrize("name", PACKINGS)
def test_shares_add_up_to_the_file_less_scales_header_and_fp16(name: str) -> None:
    made, packing = tensors(), PACKINGS[name]
    packed = pack_artifact(Artifact({}, made), packing)
    table = bytes_by_kind(packed, made, packing)
    assert set(table) == {"blocks.up", "blocks.down", "embed", "repairs", "scales", "passed"}
    assert table["blocks.up"]["entries"] == 2 * 96 * 128
    assert (table["embed"]["matrices"], table["embed"]["rows"]) == (1, 200)
    scales = sum(t.scales.numel() for t in matrices_of(codes(made)))
    assert (table["scales"]["entries"], table["passed"]["entries"]) == (scales, 64)
    assert table["passed"]["coded_bytes"] == pytest.approx(128, abs=70)  # too few to compress
    rest = len(packed) - sum(line["coded_bytes"] for line in table.values())
    assert 0 < rest < 1400  # the header and the coder's tables


@pytest.mark.parametrize("kind", ["blocks.up", "embed"])
def test_a_kind_costs_what_it_takes_away_with_it(kind: str) -> None:
    made, packing = tensors(lqer=False), PACKINGS["ans"]
    made = {n: made[n] for n in sorted(made)}  # kinds of layers in turn
    whole = pack_artifact(Artifact({}, made), packing)
    gone = {n: t for n, t in made.items() if kind_of(n) == kind}
    left = {n: t for n, t in made.items() if n not in gone}
    scales = sum(t.scales.numel() for t in codes(gone))
    saved = len(whole) - len(pack_artifact(Artifact({}, left), packing))
    found = bytes_by_kind(whole, made, packing)[kind]["coded_bytes"]
    assert found == pytest.approx(saved - 1.5 * scales, rel=0.03)


def test_similar_rows_are_seen_in_coded_bytes_and_not_in_the_entropy() -> None:
    made, packing = tensors(), PACKINGS["ans"]
    table = bytes_by_kind(pack_artifact(Artifact({}, made), packing), made, packing)
    assert table["embed"]["coded_bytes"] < 0.7 * table["embed"]["entropy_bytes"]
    assert table["blocks.up"]["coded_bytes"] > 0.97 * table["blocks.up"]["entropy_bytes"]
