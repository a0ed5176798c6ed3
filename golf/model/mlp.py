"""The feed-forward half of a block."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.schema.model import ModelConfig
from golf.model.carry import Carry
from golf.model.linear import Linear
from golf.model.roles import MLP_MATRIX


class LeakySquare(nn.Module):
    """f(x) = (x if x > 0 else slope * x)^2.

    Slope 0 is the squared ReLU of arXiv 2109.08668; the leak is parameter-golf PR 493's.
    """

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, self.slope).square()


class SquaredSine(nn.Module):
    """f(x) = sin(x)^2."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sin().square()


class Mlp(nn.Module):
    """Up, an activation, down."""

    def __init__(self, config: ModelConfig, activation: nn.Module) -> None:
        super().__init__()
        hidden = int(config.mlp_mult * config.model_dim)
        self.up = Linear(config.model_dim, hidden, MLP_MATRIX, config.init)
        self.down = Linear(hidden, config.model_dim, MLP_MATRIX, "zero")
        self.activation = activation

    def forward(self, x_BTC: Tensor, carry: Carry) -> Tensor:
        hidden = self.activation(carry.through("up", self.up, x_BTC))
        return carry.through("down", self.down, hidden)


class SwiGlu(Mlp):
    """down(silu(gate(x)) * up(x)). Source: arXiv 2002.05202."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config, nn.SiLU())
        self.gate = Linear(config.model_dim, self.up.master.size(0), MLP_MATRIX, config.init)

    def forward(self, x_BTC: Tensor, carry: Carry) -> Tensor:
        gate = self.activation(carry.through("gate", self.gate, x_BTC))
        hidden = gate * carry.through("up", self.up, x_BTC)
        return carry.through("down", self.down, hidden)


def build_mlp(config: ModelConfig) -> Mlp:
    """Return the MLP of one block."""
    if config.mlp_act == "swiglu":
        return SwiGlu(config)
    if config.mlp_act == "sin2":
        return Mlp(config, SquaredSine())
    return Mlp(config, LeakySquare(config.leaky_slope if config.mlp_act != "relu2" else 0.0))
