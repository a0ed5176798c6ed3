"""Output gates and the query gain: neutral at the start, right afterwards, and counted."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.attention import QueryGain, build_query_gain
from golf.model.gate import HeadGate, build_gate
from golf.model.gpt import build_gpt
from golf.model.roles import SCALAR


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_fresh_gate_changes_no_bit(dtype: torch.dtype) -> None:
    y, x = draw(2, 5, 3, 8).to(dtype), draw(2, 5, 24).to(dtype)
    assert torch.equal(build_gate("out_gate", 12, 3)(y, x), y)


def test_no_gate_has_no_parameters_and_changes_nothing() -> None:
    y = draw(2, 5, 3, 8)
    gate = build_gate("none", 12, 3)
    assert not list(gate.parameters())
    assert torch.equal(gate(y, draw(2, 5, 24)), y)


def test_each_head_is_scaled_by_twice_the_sigmoid_of_the_first_channels() -> None:
    gate = HeadGate(width=4, heads=3, role=SCALAR)
    nn.init.normal_(gate.table_HW, generator=torch.Generator().manual_seed(1))
    y, x = draw(2, 5, 3, 8), draw(2, 5, 24)
    out = gate(y, x)
    for b, t, h in torch.cartesian_prod(torch.arange(2), torch.arange(5), torch.arange(3)):
        z = sum((x[b, t, i] * gate.table_HW[h, i]).item() for i in range(4))
        expected = y[b, t, h] * 2 / (1 + math.exp(-z))
        torch.testing.assert_close(out[b, t, h], expected, atol=1e-5, rtol=1e-5)


def test_channels_beyond_the_width_are_not_read() -> None:
    gate = HeadGate(width=4, heads=3, role=SCALAR)
    nn.init.ones_(gate.table_HW)
    y, x = draw(2, 5, 3, 8), draw(2, 5, 24)
    beyond, within = x.clone(), x.clone()
    beyond[..., 4:] += 1
    within[..., 3] += 1
    assert torch.equal(gate(y, beyond), gate(y, x))
    assert not torch.equal(gate(y, within), gate(y, x))


def test_a_fresh_gate_can_learn() -> None:
    gate = HeadGate(width=4, heads=3, role=SCALAR)
    gate(draw(2, 5, 3, 8), draw(2, 5, 24)).sum().backward()
    assert gate.table_HW.grad is not None
    assert bool((gate.table_HW.grad != 0).all())


@pytest.mark.parametrize(
    ("heads", "layers", "width", "count"), [(8, 11, 12, 1056), (8, 11, 32, 2816)]
)
def test_a_gated_model_has_heads_times_width_more_per_layer(
    heads: int, layers: int, width: int, count: int
) -> None:
    def parameters(kind: str) -> int:
        config = ModelConfig(
            depth=layers, model_dim=heads * 64, head_dim=64, attn_gate=kind, gate_width=width
        )
        with torch.device("meta"):
            model = build_gpt(config, 64, 16, "tiles", "float32")
        return sum(p.numel() for p in model.parameters())

    assert parameters("out_gate") - parameters("none") == count == heads * width * layers


def test_widening_the_gate_of_pr_1970_costs_1760_parameters() -> None:
    counts = [11 * build_gate("out_gate", w, 8).table_HW.numel() for w in (12, 32)]
    assert counts[1] - counts[0] == 1760


def test_a_gain_of_one_changes_no_bit_and_none_is_no_part_at_all() -> None:
    q = draw(2, 5, 3, 8)
    assert torch.equal(build_query_gain(3, 1.0)(q), q)
    absent = build_query_gain(3, None)
    assert absent(q) is q
    assert not list(absent.parameters())


def test_the_gain_scales_each_head_by_its_own_factor() -> None:
    gain = build_query_gain(3, 1.5)
    assert isinstance(gain, QueryGain)
    assert gain.gain_H.tolist() == [1.5, 1.5, 1.5]
    gain.gain_H.data = torch.tensor([0.5, -2.0, 4.0])
    q = draw(2, 5, 3, 8)
    for head, factor in enumerate([0.5, -2.0, 4.0]):
        assert torch.equal(gain(q)[:, :, head], q[:, :, head] * factor)
