"""What a block reads and how it writes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.model.residual import (
    BranchScale,
    ChannelMix,
    FixedScale,
    NoMix,
    ScalarMix,
    build_branch_scale,
    build_mix,
)
from golf.model.roles import RESID_MIX, SCALAR, X0_MIX, roles_of
from tests.model.tools import assert_plain, build, config, draw, draw_tokens, randomised


@pytest.mark.parametrize(
    "changes",
    [
        {"x0_mix": "scalar"},
        {"x0_mix": "channel"},
        {"branch_scale": True},
        {"x0_mix": "channel", "branch_scale": True, "ln_scale": "residual", "q_gain": 1.5},
    ],
    ids=str,
)
def test_it_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)


def stream(seed: int) -> Tensor:
    return draw(2, 5, 32, seed=seed)


def test_a_fresh_scalar_mix_adds_a_tenth_of_the_embedding() -> None:
    x, x0 = stream(0), stream(1)
    torch.testing.assert_close(build_mix(config(x0_mix="scalar"))(x, x0), x + 0.1 * x0)


def test_the_scalar_mix_is_a_x_plus_b_x0_with_learned_a_and_b() -> None:
    mix, x, x0 = ScalarMix(), stream(0), stream(1)
    mix.resid_1.data.fill_(-0.5)
    mix.x0_1.data.fill_(3.0)
    out = mix(x, x0)
    torch.testing.assert_close(out, 3.0 * x0 - 0.5 * x)
    out.sum().backward()
    torch.testing.assert_close(mix.resid_1.grad, x.sum().view(1))
    torch.testing.assert_close(mix.x0_1.grad, x0.sum().view(1))


def test_the_factors_of_a_scalar_mix_are_not_rounded_to_the_stream() -> None:
    mix, x = ScalarMix(), torch.full((1, 1, 4), 1.0078125).bfloat16()
    mix.resid_1.data.fill_(1.0039)  # bfloat16 has 1 and 1.0078
    assert torch.equal(mix(x, 0 * x), (1.0039 * x.float()).bfloat16())
    assert not torch.equal(mix(x, 0 * x), torch.tensor(1.0039).bfloat16() * x)


def test_a_fresh_channel_mix_changes_no_bit_and_mixes_channel_by_channel() -> None:
    mix, x, x0 = build_mix(config(x0_mix="channel")), stream(0), stream(1)
    assert isinstance(mix, ChannelMix)
    assert torch.equal(mix(x, x0), x)
    mix.mix_2C.data = draw(2, 32, seed=2)
    expected = torch.empty_like(x)
    for c in range(32):
        expected[..., c] = mix.mix_2C[0, c] * x[..., c] + mix.mix_2C[1, c] * x0[..., c]
    torch.testing.assert_close(mix(x, x0), expected)


def test_no_mix_passes_the_stream_on_and_has_no_parameters() -> None:
    x = stream(0)
    assert build_mix(config())(x, stream(1)) is x
    assert not list(NoMix().parameters())


@pytest.mark.parametrize("kind", ["none", "scalar", "channel"])
def test_a_bfloat16_stream_stays_bfloat16(kind: str) -> None:
    x = stream(0).bfloat16()
    assert build_mix(config(x0_mix=kind))(x, x).dtype == torch.bfloat16
    assert BranchScale(32, 0.5)(x).dtype == torch.bfloat16


def test_the_lineages_train_their_mixes_in_different_groups() -> None:
    assert roles_of(ScalarMix()) == {"resid_1": RESID_MIX, "x0_1": X0_MIX}
    assert roles_of(ChannelMix(4)) == {"mix_2C": SCALAR}


def test_a_branch_is_scaled_by_a_learned_factor_per_channel_and_a_fixed_one() -> None:
    y = stream(0)
    learned = build_branch_scale(config(branch_scale=True), 0.25)
    assert isinstance(learned, BranchScale)
    assert torch.equal(learned(y), 0.25 * y)
    learned.scale_C.data = draw(32)
    torch.testing.assert_close(learned(y), 0.25 * learned.scale_C * y)


def test_a_fixed_factor_of_one_is_no_operation() -> None:
    y = stream(0)
    assert build_branch_scale(config(), 1.0)(y) is y
    fixed = build_branch_scale(config(), 0.5)
    assert isinstance(fixed, FixedScale)
    assert torch.equal(fixed(y), y / 2)


def test_fresh_branch_scales_change_no_bit() -> None:
    plain, scaled = randomised(build()), build(branch_scale=True, x0_mix="channel")
    scaled.load_state_dict(plain.state_dict(), strict=False)
    tokens = draw_tokens(batch=2)
    assert torch.equal(scaled.logits(tokens), plain.logits(tokens))
