"""The feed-forward half of a block."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.schema.model import ModelConfig
from golf.model.linear import Linear
from golf.model.roles import MLP_MATRIX


class Mlp(nn.Module):
    """Up, squared leaky ReLU, down: f(x) = (x if x > 0 else slope * x)^2.

    Slope 0 is the squared ReLU of arXiv 2109.08668; the leak is parameter-golf PR 493's.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        hidden = int(config.mlp_mult * config.model_dim)
        self.up = Linear(config.model_dim, hidden, MLP_MATRIX)
        self.down = Linear(hidden, config.model_dim, MLP_MATRIX, zero=True)
        self.slope = config.leaky_slope

    def forward(self, x_BTC: Tensor) -> Tensor:
        out: Tensor = self.down(F.leaky_relu(self.up(x_BTC), self.slope).square())
        return out
