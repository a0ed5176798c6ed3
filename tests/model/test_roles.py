"""Every parameter has one optimizer group and one bucket."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn

from golf.config.schema.model import ModelConfig
from golf.model.gpt import GPT, build_gpt
from golf.model.linear import Linear
from golf.model.roles import (
    ATTN_MATRIX,
    EMBED,
    HEAD,
    MLP_MATRIX,
    RESID_MIX,
    SCALAR,
    VALUE_GATE,
    X0_MIX,
    Role,
    roles_of,
)


def build(**changes: object) -> GPT:
    config = ModelConfig(**{"depth": 2, "model_dim": 32, "head_dim": 8, **changes})
    return build_gpt(config, 40, 16, "tiles", "float32")


EVERYTHING = {
    "value_embed": "all",
    "attn_gate": "out_gate",
    "x0_mix": "scalar",
    "q_gain": 1.5,
    "tied": False,
}
SWITCHES = list(
    itertools.product(
        ("none", "alternate", "all"), ("learned", "fixed"), ("none", "out_gate"), (None, 1.0)
    )
)


@pytest.mark.parametrize(("value_embed", "value_gate", "attn_gate", "q_gain"), SWITCHES)
def test_every_parameter_has_exactly_one_role(
    value_embed: str, value_gate: str, attn_gate: str, q_gain: float | None
) -> None:
    model = build(
        value_embed=value_embed, value_gate=value_gate, attn_gate=attn_gate, q_gain=q_gain
    )
    roles = roles_of(model)
    assert sorted(roles) == sorted(n for n, _ in model.named_parameters())
    assert {r.group for r in roles.values()} <= {"matrix", "embed", "head", "scalar"}
    assert {r.bucket for r in roles.values()} <= {"attn", "mlp", "embed", "pass"}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("embed_VC", EMBED),
        ("head.out.master", HEAD),
        ("blocks.1.attention.q.master", ATTN_MATRIX),
        ("blocks.1.attention.k.master", ATTN_MATRIX),
        ("blocks.1.attention.v.master", ATTN_MATRIX),
        ("blocks.1.attention.out.master", ATTN_MATRIX),
        ("blocks.1.mlp.up.master", MLP_MATRIX),
        ("blocks.1.mlp.down.master", MLP_MATRIX),
        ("blocks.1.attention.value_embed.table_VE", EMBED),
        ("blocks.1.attention.value_embed.gate.table_HW", VALUE_GATE),
        ("blocks.1.attention.gate.table_HW", SCALAR),
        ("blocks.1.attention.query_gain.gain_H", SCALAR),
        ("blocks.1.mix.resid_1", RESID_MIX),
        ("blocks.1.mix.x0_1", X0_MIX),
    ],
)
def test_the_lineages_groups_are_kept(name: str, role: Role) -> None:
    roles = roles_of(build(**EVERYTHING))
    assert roles[name] == role
    assert len(roles) == 2 + 2 * 12


def test_a_part_without_a_declared_role_is_refused_by_name() -> None:
    model = nn.Sequential(Linear(4, 4, ATTN_MATRIX, "zero"), nn.LayerNorm(4))
    with pytest.raises(TypeError, match="LayerNorm declares no role for 'weight'"):
        roles_of(model)


def test_a_part_that_declares_only_some_of_its_parameters_is_refused() -> None:
    part = Linear(4, 4, ATTN_MATRIX, "zero")
    part.bias = nn.Parameter(torch.zeros(4))
    with pytest.raises(TypeError, match="'bias'"):
        roles_of(nn.ModuleList([part]))


def test_roles_are_named_like_the_state_dict() -> None:
    model = build(**EVERYTHING)
    assert set(roles_of(model)) == set(model.state_dict())
