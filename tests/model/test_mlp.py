"""The activations of the MLP and the shape around them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.model.mlp import Mlp, SwiGlu, build_mlp
from tests.model.tools import assert_plain, carry, config, draw, draw_tokens

SLOPES = pytest.mark.parametrize("slope", [0.0, 0.3, 0.5])


def applied(x: Tensor, **changes: object) -> Tensor:
    """Return f(x) of an MLP whose matrices are the identity."""
    mlp = build_mlp(config(model_dim=8, mlp_mult=1.0, **changes))
    for part in (mlp.up, mlp.down):
        part.master.data = torch.eye(8)
    return mlp(x, carry(draw_tokens(1)))


def inputs() -> Tensor:
    return draw(100, 8).requires_grad_()


@pytest.mark.parametrize(
    "changes",
    [
        {"mlp_act": "swiglu"}, {"mlp_act": "sin2"}, {"mlp_act": "relu2"}, {"leaky_slope": 0.3},
        {"mlp_act": "swiglu", "mlp_mult": 4.5}, {"mlp_mult": 0.1},
    ],
    ids=str,
)  # fmt: skip
def test_it_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)


def test_slope_zero_is_the_squared_relu_exactly_under_either_name() -> None:
    x = inputs()
    assert torch.equal(applied(x, leaky_slope=0.0), x.relu() ** 2)
    assert torch.equal(applied(x, mlp_act="relu2"), x.relu() ** 2)


def test_slope_one_is_the_square() -> None:
    x = inputs()
    assert torch.equal(applied(x, leaky_slope=1.0), x**2)


@SLOPES
def test_values_are_the_formula_on_both_sides_of_zero(slope: float) -> None:
    x = inputs()
    expected = torch.tensor([[v * v if v > 0 else (slope * v) ** 2 for v in r] for r in x.tolist()])
    torch.testing.assert_close(applied(x, leaky_slope=slope), expected)


@SLOPES
def test_the_derivative_is_2x_above_and_2_slope_squared_x_below_zero(slope: float) -> None:
    x = inputs()
    (grad,) = torch.autograd.grad(applied(x, leaky_slope=slope).sum(), x)
    torch.testing.assert_close(grad, torch.where(x > 0, 2 * x, 2 * slope**2 * x))


def test_the_squared_sine_stays_between_zero_and_one() -> None:
    x = 5 * inputs()
    y = applied(x, mlp_act="sin2")
    torch.testing.assert_close(y, 0.5 - 0.5 * torch.cos(2 * x))
    assert y.min() >= 0 and y.max() <= 1


def test_swiglu_multiplies_a_swish_of_its_gate_with_the_rest() -> None:
    mlp, x = build_mlp(config(model_dim=8, mlp_mult=1.0, mlp_act="swiglu")), inputs()
    assert isinstance(mlp, SwiGlu)
    mlp.up.master.data = mlp.down.master.data = torch.eye(8)
    mlp.gate.master.data = 2 * torch.eye(8)
    expected = 2 * x / (1 + torch.exp(-2 * x)) * x
    torch.testing.assert_close(mlp(x, carry(draw_tokens(1))), expected)
    assert mlp.gate.master.shape == mlp.up.master.shape


@pytest.mark.parametrize(
    ("dim", "mult", "hidden"), [(512, 4.5, 2304), (128, 4.0, 512), (10, 0.25, 2)]
)
def test_the_hidden_width_is_the_multiple_rounded_down(dim: int, mult: float, hidden: int) -> None:
    mlp = build_mlp(config(model_dim=dim, mlp_mult=mult))
    assert mlp.up.master.shape == (hidden, dim)
    assert mlp.down.master.shape == (dim, hidden)


@pytest.mark.parametrize("act", ["leaky_relu2", "relu2", "swiglu", "sin2"])
def test_a_fresh_mlp_is_zero_but_can_learn(act: str) -> None:
    mlp: Mlp = build_mlp(config(model_dim=8, mlp_act=act))
    y = mlp(inputs(), carry(draw_tokens(1)))
    assert not y.any()
    y.sum().backward()
    assert mlp.down.master.grad is not None
    assert mlp.down.master.grad.abs().sum() > 0
