"""Value embeddings: where they are, what they add, and what they weigh."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.gate import HeadGate
from golf.model.roles import GATE_MATRIX
from golf.model.value_embed import ValueEmbed, build_value_embed

VOCAB, KEY_HEADS = 11, 2


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def config(**changes: object) -> ModelConfig:
    return ModelConfig(
        **{"model_dim": 32, "head_dim": 8, "value_embed": "all", "value_gate_width": 4, **changes}
    )


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Return values, tokens and attention's input for 2 texts of 5 tokens."""
    tokens = torch.randint(0, VOCAB, (2, 5), generator=torch.Generator().manual_seed(2))
    return draw(2, 5, KEY_HEADS, 8), tokens, draw(2, 5, 32)


@pytest.mark.parametrize(
    ("kind", "depth", "expected"),
    [
        ("alternate", 1, [0]),
        ("alternate", 4, [1, 3]),
        ("alternate", 5, [0, 2, 4]),
        ("alternate", 8, [1, 3, 5, 7]),
        ("all", 3, [0, 1, 2]),
        ("none", 3, []),
    ],
)
def test_alternate_counts_back_from_the_last_layer(
    kind: str, depth: int, expected: list[int]
) -> None:
    made = config(value_embed=kind, depth=depth)
    parts = [build_value_embed(i, VOCAB, KEY_HEADS, made) for i in range(depth)]
    assert [i for i, part in enumerate(parts) if isinstance(part, ValueEmbed)] == expected


def test_it_adds_the_tokens_own_row_scaled_by_the_gate_of_each_key_head() -> None:
    part = ValueEmbed(VOCAB, KEY_HEADS, config())
    nn.init.normal_(part.gate.table_HW)
    v, tokens, x = inputs()
    out = part(v, tokens, x)
    for b, t, h in torch.cartesian_prod(torch.arange(2), torch.arange(5), torch.arange(KEY_HEADS)):
        z = sum((x[b, t, i] * part.gate.table_HW[h, i]).item() for i in range(4))
        row = part.table_VE[tokens[b, t], 8 * int(h) : 8 * int(h) + 8]
        expected = v[b, t, h] + row * 2 / (1 + math.exp(-z))
        torch.testing.assert_close(out[b, t, h], expected, atol=1e-5, rtol=1e-5)


def test_a_fresh_learned_gate_is_the_fixed_gate_to_the_bit() -> None:
    learned, fixed = (
        ValueEmbed(VOCAB, KEY_HEADS, config(value_gate=g)) for g in ("learned", "fixed")
    )
    fixed.table_VE.data = learned.table_VE.data
    assert torch.equal(learned(*inputs()), fixed(*inputs()))


def test_a_table_of_zeros_adds_nothing_and_none_is_no_part_at_all() -> None:
    v, tokens, x = inputs()
    part = ValueEmbed(VOCAB, KEY_HEADS, config())
    nn.init.zeros_(part.table_VE)
    assert torch.equal(part(v, tokens, x), v)
    absent = build_value_embed(0, VOCAB, KEY_HEADS, config(value_embed="none"))
    assert absent(v, tokens, x) is v
    assert not list(absent.parameters())


@pytest.mark.parametrize(("gate", "extra"), [("learned", KEY_HEADS * 4), ("fixed", 0)])
def test_it_weighs_a_row_per_token_and_a_gate_row_per_key_head(gate: str, extra: int) -> None:
    part = ValueEmbed(VOCAB, KEY_HEADS, config(value_gate=gate))
    assert sum(p.numel() for p in part.parameters()) == VOCAB * KEY_HEADS * 8 + extra


def test_the_table_starts_uniform_within_its_bound() -> None:
    part = ValueEmbed(1000, KEY_HEADS, config())
    bound = math.sqrt(3 / 32)
    assert part.table_VE.abs().max() <= bound
    assert part.table_VE.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_the_gate_reads_only_its_first_channels_and_starts_able_to_learn() -> None:
    gate = HeadGate(4, KEY_HEADS, GATE_MATRIX)
    extra, x = draw(2, 5, KEY_HEADS, 8), draw(2, 5, 32)
    gate(extra, x).sum().backward()
    assert gate.table_HW.grad is not None
    assert bool((gate.table_HW.grad != 0).all())
    nn.init.ones_(gate.table_HW)
    assert torch.equal(gate(extra, torch.cat((x[..., :4], -x[..., 4:]), -1)), gate(extra, x))
