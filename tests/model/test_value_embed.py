"""What else enters the values: where it is, what it adds, and what it weighs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from golf.model.gate import Sources
from golf.model.roles import EMBED, SCALAR, VALUE_GATE, roles_of
from golf.model.value_embed import ValueEmbed, build_value_embed, build_value_table
from tests.model.tools import (
    VOCAB,
    assert_plain,
    build,
    carry,
    config,
    draw,
    draw_tokens,
    live,
    normed,
    randomised,
)

KEY_HEADS = 2
NARROW = {"value_embed": "all", "value_embed_dim": 6}


def part(**changes: object) -> nn.Module:
    made = config(**{"value_embed": "all", "value_gate_width": 4, **changes})
    return build_value_embed(0, VOCAB, KEY_HEADS, made)


def inputs() -> tuple[Tensor, Tensor, Sources]:
    """Return values, tokens and the sources of gates for 2 texts of 5 tokens."""
    return draw(2, 5, KEY_HEADS, 8), draw_tokens(5, 2), normed(draw(2, 5, 32))


@pytest.mark.parametrize(
    "changes",
    [
        {"value_embed": "alternate"},
        {"value_embed": "last:2", "n_kv_head": 2, "value_gate_width": 4},
        {"value_embed": "0,2", "value_gate": "fixed", "ln_scale": "norm_input"},
        {**NARROW, "n_kv_head": 1},
        {**NARROW, "value_embed": "1,2", "xsa": "all"},
        {"value_residual": True},
        {"value_residual": True, "value_embed": "all", "n_kv_head": 2, "xsa": "last:2"},
        {"value_residual": True, **NARROW},
    ],
    ids=str,
)
def test_it_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)


@pytest.mark.parametrize("kind", ["none", "all", "alternate", "last:1", "0,3"])
def test_it_stands_in_the_chosen_layers_only(kind: str) -> None:
    made = config(value_embed=kind, depth=4)
    parts = [build_value_embed(i, VOCAB, KEY_HEADS, made) for i in range(4)]
    chosen = {"none": [], "all": [0, 1, 2, 3], "alternate": [1, 3], "last:1": [3], "0,3": [0, 3]}
    assert [i for i, p in enumerate(parts) if isinstance(p, ValueEmbed)] == chosen[kind]


def test_it_adds_the_tokens_own_row_scaled_by_the_gate_of_each_key_head() -> None:
    made = part()
    nn.init.normal_(made.gate.table_HW)
    v, tokens, sources = inputs()
    out = made(v, carry(tokens), sources)
    for b, t, h in torch.cartesian_prod(torch.arange(2), torch.arange(5), torch.arange(KEY_HEADS)):
        z = sum((sources.normed[b, t, i] * made.gate.table_HW[h, i]).item() for i in range(4))
        row = made.table_VE[tokens[b, t], 8 * int(h) : 8 * int(h) + 8]
        expected = v[b, t, h] + row * 2 / (1 + math.exp(-z))
        torch.testing.assert_close(out[b, t, h], expected, atol=1e-5, rtol=1e-5)


def test_a_fresh_learned_gate_is_the_fixed_gate_to_the_bit() -> None:
    learned, fixed = part(), part(value_gate="fixed")
    fixed.table_VE.data = learned.table_VE.data
    v, tokens, sources = inputs()
    assert torch.equal(learned(v, carry(tokens), sources), fixed(v, carry(tokens), sources))


def test_a_table_of_zeros_adds_nothing_and_none_is_no_part_at_all() -> None:
    v, tokens, sources = inputs()
    made = part()
    nn.init.zeros_(made.table_VE)
    assert torch.equal(made(v, carry(tokens), sources), v)
    absent = part(value_embed="none")
    assert absent(v, carry(tokens), sources) is v
    assert not list(absent.parameters())


@pytest.mark.parametrize(("gate", "extra"), [("learned", KEY_HEADS * 4), ("fixed", 0)])
def test_it_weighs_a_row_per_token_and_a_gate_row_per_key_head(gate: str, extra: int) -> None:
    made = part(value_gate=gate)
    assert sum(p.numel() for p in made.parameters()) == VOCAB * KEY_HEADS * 8 + extra


def test_the_table_starts_uniform_within_its_bound() -> None:
    made = build_value_embed(0, 1000, KEY_HEADS, config(value_embed="all"))
    bound = math.sqrt(3 / 32)
    assert made.table_VE.abs().max() <= bound
    assert made.table_VE.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_layers_share_one_narrow_table_its_projection_and_its_factor() -> None:
    model = build(**NARROW, n_kv_head=2)
    names = {n: tuple(p.shape) for n, p in model.named_parameters() if "value" in n}
    assert names == {
        "values.table_VE": (VOCAB, 6),
        "values.factor_1": (1,),
        "values.project.master": (16, 6),
        **{f"blocks.{i}.attention.value_embed.factor_1": (1,) for i in range(3)},
    }
    assert model.values.factor_1.item() == pytest.approx(0.1)
    assert [b.attention.value_embed.factor_1.item() for b in model.blocks] == [1.0] * 3
    torch.manual_seed(0)
    wide = build(value_embed="all", value_embed_dim=200).values.table_VE
    assert wide.std().item() == pytest.approx(0.01, rel=0.05)


def test_a_layer_adds_the_projected_row_times_both_factors() -> None:
    shape = config(value_embed="all", value_embed_dim=6, n_kv_head=KEY_HEADS)
    table = build_value_table(VOCAB, shape)
    made = part(value_embed_dim=6)
    made.factor_1.data.fill_(3.0)
    v, tokens, sources = inputs()
    out = made(v, carry(tokens, values_BTC=table(tokens, torch.float32)), sources)
    rows = table.table_VE[tokens]
    extra = torch.einsum("bte,we->btw", rows, table.project.master).view(2, 5, KEY_HEADS, 8)
    torch.testing.assert_close(out, v + 3.0 * 0.1 * extra)


def test_roles_are_the_published_groups() -> None:
    roles = roles_of(build(value_embed="1,2", value_residual=True))
    attention = "blocks.1.attention."
    assert roles[attention + "value_embed.table_VE"] == EMBED
    assert roles[attention + "value_embed.gate.table_HW"] == VALUE_GATE
    assert roles[attention + "value_residual.mix_2"] == SCALAR
    narrow = roles_of(build(**NARROW))
    assert narrow["values.table_VE"] == EMBED
    assert narrow["values.project.master"] == SCALAR
    assert narrow[attention + "value_embed.factor_1"] == SCALAR


def test_later_layers_mix_the_first_layers_values_in_by_halves() -> None:
    model = build(value_residual=True)
    assert [hasattr(b.attention.value_residual, "mix_2") for b in model.blocks] == [0, 1, 1]
    assert model.blocks[1].attention.value_residual.mix_2.tolist() == [0.5, 0.5]


def test_weights_of_one_for_the_own_values_leave_the_model_alone() -> None:
    plain = randomised(build())
    mixed = build(value_residual=True)
    mixed.load_state_dict(plain.state_dict(), strict=False)
    for block in mixed.blocks[1:]:
        block.attention.value_residual.mix_2.data = torch.tensor([0.0, 1.0])
    tokens = draw_tokens(batch=2)
    torch.testing.assert_close(mixed.logits(tokens), plain.logits(tokens))


@pytest.mark.parametrize(
    "changes", [NARROW, {"value_embed": "all"}, {"value_residual": True}], ids=str
)
def test_everything_learns(changes: dict[str, object]) -> None:
    model = randomised(build(**changes))
    assert live(model, draw_tokens(batch=2)) == {n for n, _ in model.named_parameters()}
