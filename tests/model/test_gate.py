"""Output gates: how they open, what they read, and how they start."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from golf.model.gate import FullGate, HeadGate, Sources, build_gate
from golf.model.roles import CODED_GATE, SCALAR, roles_of
from tests.model.tools import (
    assert_plain,
    build,
    config,
    draw,
    draw_tokens,
    logits_of,
    normed,
    randomised,
)

KINDS = pytest.mark.parametrize("kind", ["out_gate", "gated", "sparse", "bias"])
SOURCES = pytest.mark.parametrize("source", ["normed", "residual", "q"])
OPENING = {"out_gate": 2.0, "gated": 1.0, "sparse": 1.0, "bias": 1.0}


def gate(kind: str, **changes: object) -> nn.Module:
    made = build_gate(config(attn_gate=kind, gate_width=4, **changes), 4)
    nn.init.normal_(made.table_HW, generator=torch.Generator().manual_seed(1))
    return made


def three() -> Sources:
    return Sources(draw(2, 5, 32, seed=1), draw(2, 5, 32, seed=2), draw(2, 5, 32, seed=3))


@KINDS
@SOURCES
@pytest.mark.parametrize(
    "around",
    [{"x0_mix": "scalar"}, {"parallel": "two_lane", "x0_mix": "channel", "ln_scale": "norm_input"}],
    ids=["plain", "two lanes"],
)
def test_it_is_the_formula(kind: str, source: str, around: dict[str, object]) -> None:
    scale = {"gate_scale": 0.5} if kind == "sparse" else {}
    assert_plain(attn_gate=kind, gate_src=source, xsa="last:1", **scale, **around)


@KINDS
@SOURCES
def test_each_head_is_scaled_by_the_sigmoid_of_its_source(kind: str, source: str) -> None:
    part, y, sources = gate(kind, gate_src=source, gate_scale=0.5), draw(2, 5, 4, 8), three()
    x, factor = getattr(sources, source), 0.5 if kind == "sparse" else 1.0
    shift = 4.0 if kind == "bias" else 0.0
    out = part(y, sources)
    for b, t, h in torch.cartesian_prod(torch.arange(2), torch.arange(5), torch.arange(4)):
        z = sum(x[b, t, i] * w for i, w in enumerate(part.table_HW[h]))
        opened = OPENING[kind] / (1 + torch.exp(-(factor * z + shift)))
        torch.testing.assert_close(out[b, t, h], y[b, t, h] * opened, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "width"), [("out_gate", 4), ("sparse", 4), ("gated", 32), ("bias", 32)]
)
def test_it_reads_so_many_channels_of_one_source(kind: str, width: int) -> None:
    part, y, sources = gate(kind, gate_src="residual"), draw(2, 5, 4, 8), three()
    before = part(y, sources)
    for name in Sources._fields:
        for channel in range(32):
            other = {n: x.clone() for n, x in sources._asdict().items()}
            other[name][..., channel] += 1
            changed = not torch.equal(part(y, Sources(**other)), before)
            assert changed == (name == "residual" and channel < width)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_fresh_out_gate_changes_no_bit(dtype: torch.dtype) -> None:
    y, x = draw(2, 5, 4, 8).to(dtype), draw(2, 5, 32).to(dtype)
    assert torch.equal(build_gate(config(attn_gate="out_gate"), 4)(y, normed(x)), y)


def test_no_gate_has_no_parameters_and_changes_nothing() -> None:
    y, part = draw(2, 5, 4, 8), build_gate(config(), 4)
    assert not list(part.parameters())
    assert part(y, three()) is y


@pytest.mark.parametrize("scale", [0.5, 1.0])
def test_a_fresh_sparse_gate_halves_whatever_its_scale(scale: float) -> None:
    part = build_gate(config(attn_gate="sparse", gate_scale=scale), 4)
    y = draw(2, 5, 4, 8)
    assert torch.equal(part(y, three()), y / 2)


def test_a_fresh_bias_gate_is_open_by_98_per_cent() -> None:
    y = draw(2, 5, 4, 8)
    opened = build_gate(config(attn_gate="bias"), 4)(y, three()) / y
    torch.testing.assert_close(opened, torch.full_like(y, 0.98201379))


def test_a_full_gate_starts_small_and_normal() -> None:
    torch.manual_seed(0)
    table = FullGate(4000, 8, "normed").table_HW
    assert table.std().item() == pytest.approx(0.01, rel=0.02)
    assert table.mean().abs() < 1e-3


@KINDS
@SOURCES
def test_a_fresh_gate_can_learn(kind: str, source: str) -> None:
    part = build_gate(config(attn_gate=kind, gate_src=source), 4)
    part(draw(2, 5, 4, 8), three()).sum().backward()
    for p in part.parameters():
        assert p.grad is not None
        assert bool((p.grad != 0).all())


def test_a_gate_on_queries_sends_its_gradient_into_them() -> None:
    model, tokens = randomised(build(attn_gate="gated", gate_src="q")), draw_tokens()
    model.blocks[0].attention.k.master.data.zero_()  # no gradient through attention's scores
    model(tokens, tokens.roll(1, 1)).mean().backward()
    grad = model.blocks[0].attention.q.master.grad
    assert grad is not None and grad.abs().max() > 1e-4


@pytest.mark.parametrize(
    ("kind", "bucket"),
    [("out_gate", SCALAR), ("sparse", CODED_GATE), ("gated", CODED_GATE), ("bias", SCALAR)],
)
def test_gates_are_quantized_as_published(kind: str, bucket: object) -> None:
    assert set(roles_of(build_gate(config(attn_gate=kind), 4)).values()) == {bucket}


def test_a_gate_that_is_twice_as_open_is_undone_by_the_projection_back() -> None:
    plain = randomised(build())
    halved = build()
    halved.load_state_dict(plain.state_dict())
    for block in halved.blocks:
        block.attention.out.master.data *= 0.5
    fresh_out_gate = build(attn_gate="out_gate")
    fresh_out_gate.load_state_dict(plain.state_dict(), strict=False)
    fresh_sparse = build(attn_gate="sparse")
    fresh_sparse.load_state_dict(plain.state_dict(), strict=False)
    tokens = draw_tokens(batch=2)
    assert torch.equal(fresh_out_gate.logits(tokens), plain.logits(tokens))
    torch.testing.assert_close(fresh_sparse.logits(tokens), halved.logits(tokens))
    assert not torch.allclose(halved.logits(tokens), logits_of(plain))


@pytest.mark.parametrize(
    ("heads", "layers", "width", "count"), [(8, 11, 12, 1056), (8, 11, 32, 2816)]
)
def test_a_gated_model_has_heads_times_width_more_per_layer(
    heads: int, layers: int, width: int, count: int
) -> None:
    made = config(attn_gate="out_gate", gate_width=width, model_dim=heads * 64, head_dim=64)
    parts = [build_gate(made, heads) for _ in range(layers)]
    assert sum(p.numel() for part in parts for p in part.parameters()) == count


def test_channels_of_a_value_gate_are_those_of_the_normed_input() -> None:
    part: Tensor | nn.Module = HeadGate(4, 2, SCALAR)
    nn.init.ones_(part.table_HW)
    y, x = draw(2, 5, 2, 8), draw(2, 5, 32)
    opened = 2 / (1 + torch.exp(-x[..., :4].sum(-1)))
    torch.testing.assert_close(part(y, normed(x)), y * opened[..., None, None])
