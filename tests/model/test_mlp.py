"""The squared leaky ReLU and the shape around it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.config.schema.model import ModelConfig
from golf.model.mlp import Mlp


def activation(slope: float) -> Mlp:
    """Return an MLP whose matrices are the identity, so that only f is left."""
    mlp = Mlp(ModelConfig(model_dim=8, mlp_mult=1.0, leaky_slope=slope))
    mlp.up.master.data = mlp.down.master.data = torch.eye(8)
    return mlp


def draw() -> Tensor:
    return torch.randn(100, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)


def test_slope_zero_is_the_squared_relu_exactly() -> None:
    x = draw()
    assert torch.equal(activation(0.0)(x), x.relu() ** 2)


def test_slope_one_is_the_square() -> None:
    x = draw()
    assert torch.equal(activation(1.0)(x), x**2)


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.5])
def test_values_are_the_formula_on_both_sides_of_zero(slope: float) -> None:
    x = draw()
    expected = torch.tensor([[v * v if v > 0 else (slope * v) ** 2 for v in r] for r in x.tolist()])
    torch.testing.assert_close(activation(slope)(x), expected)


@pytest.mark.parametrize("slope", [0.0, 0.3, 0.5])
def test_the_derivative_is_2x_above_and_2_slope_squared_x_below_zero(slope: float) -> None:
    x = draw()
    (grad,) = torch.autograd.grad(activation(slope)(x).sum(), x)
    torch.testing.assert_close(grad, torch.where(x > 0, 2 * x, 2 * slope**2 * x))


@pytest.mark.parametrize(
    ("dim", "mult", "hidden"), [(512, 4.5, 2304), (128, 4.0, 512), (10, 0.25, 2)]
)
def test_the_hidden_width_is_the_multiple_rounded_down(dim: int, mult: float, hidden: int) -> None:
    mlp = Mlp(ModelConfig(model_dim=dim, mlp_mult=mult))
    assert mlp.up.master.shape == (hidden, dim)
    assert mlp.down.master.shape == (dim, hidden)


def test_a_fresh_mlp_is_zero_but_can_learn() -> None:
    mlp = Mlp(ModelConfig(model_dim=8))
    y = mlp(draw())
    assert not y.any()
    y.sum().backward()
    assert mlp.down.master.grad is not None
    assert mlp.down.master.grad.abs().sum() > 0
    assert mlp.up.master.std().item() == pytest.approx(8**-0.5, rel=0.2)
