"""Which tensors get which bits."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.config.schema.quant import QuantConfig
from golf.quant.grid import Codes, quantize_rows
from golf.quant.quantize import quantize_weights

SHAPES = {
    "blocks.0.q": ((8, 16), "attn"),
    "blocks.0.up": ((32, 16), "mlp"),
    "blocks.1.q": ((8, 16), "attn"),
    "blocks.10.q": ((8, 16), "attn"),
    "embed": ((50, 16), "embed"),
    "gate": ((300, 300), "pass"),
    "gain": ((4,), "pass"),
    "tiny": ((1, 2), "mlp"),
}
BUCKETS = {n: bucket for n, (_, bucket) in SHAPES.items()}
CONFIG = QuantConfig(
    bits=5, mlp_bits=6, embed_bits=7, clip_sigmas=3.0, mlp_clip_sigmas=4.0, embed_clip_sigmas=5.0
)


def draw() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {n: torch.randn(s, generator=generator) for n, (s, _) in SHAPES.items()}


@pytest.mark.parametrize(
    ("name", "bits", "clip"),
    [("blocks.0.q", 5, 3.0), ("blocks.0.up", 6, 4.0), ("tiny", 6, 4.0), ("embed", 7, 5.0)],
)
def test_each_bucket_gets_its_own_bits_and_clip(name: str, bits: int, clip: float) -> None:
    coded = quantize_weights(draw(), BUCKETS, CONFIG)[name]
    expected = quantize_rows(draw()[name], bits, clip)
    assert isinstance(coded, Codes)
    assert torch.equal(coded.codes, expected.codes)
    assert torch.equal(coded.scales, expected.scales)


def test_what_passes_through_is_told_by_its_bucket_not_by_its_size() -> None:
    done = quantize_weights(draw(), BUCKETS, CONFIG)
    passed = {n: t for n, t in done.items() if isinstance(t, Tensor)}
    assert set(passed) == {"gate", "gain"}
    for name, tensor in passed.items():
        assert tensor.dtype == torch.float16
        assert torch.equal(tensor, draw()[name].half())


def test_every_tensor_is_there_once_with_like_after_like() -> None:
    assert list(quantize_weights(draw(), BUCKETS, CONFIG)) == [
        "blocks.0.q", "blocks.1.q", "blocks.10.q", "embed", "blocks.0.up", "tiny", "gain", "gate",
    ]  # fmt: skip


def test_the_order_of_the_weights_does_not_matter() -> None:
    backwards = dict(reversed(draw().items()))
    assert list(quantize_weights(backwards, BUCKETS, CONFIG)) == list(
        quantize_weights(draw(), BUCKETS, CONFIG)
    )


def test_the_weights_are_left_as_they_were() -> None:
    weights = draw()
    quantize_weights(weights, BUCKETS, CONFIG)
    assert all(torch.equal(t, draw()[n]) for n, t in weights.items())
