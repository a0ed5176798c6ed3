"""What a block reads."""

from __future__ import annotations

import torch
from torch import Tensor

from golf.model.residual import NoMix, ScalarMix, build_mix


def draw(seed: int) -> Tensor:
    return torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(seed))


def test_a_fresh_mix_adds_a_tenth_of_the_embedding() -> None:
    x, x0 = draw(0), draw(1)
    torch.testing.assert_close(build_mix("scalar")(x, x0), x + 0.1 * x0)


def test_the_mix_is_a_x_plus_b_x0_with_learned_a_and_b() -> None:
    mix, x, x0 = ScalarMix(), draw(0), draw(1)
    mix.mix_2.data = torch.tensor([-0.5, 3.0])
    out = mix(x, x0)
    torch.testing.assert_close(out, 3.0 * x0 - 0.5 * x)
    out.sum().backward()
    torch.testing.assert_close(mix.mix_2.grad, torch.stack((x.sum(), x0.sum())))


def test_no_mix_passes_the_stream_on_and_has_no_parameters() -> None:
    x = draw(0)
    assert build_mix("none")(x, draw(1)) is x
    assert not list(NoMix().parameters())


def test_a_bfloat16_stream_stays_bfloat16() -> None:
    assert ScalarMix()(draw(0).bfloat16(), draw(1).bfloat16()).dtype == torch.bfloat16
