"""The forms of a block: attention, then the MLP; or both side by side."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from golf.config.schema.model import ModelConfig
from golf.model.attention import Attention
from golf.model.carry import Carry, Lanes
from golf.model.linear import RmsNorm, ScaledRmsNorm
from golf.model.mlp import build_mlp
from golf.model.residual import build_branch_scale, build_mix


class Block(nn.Module):
    """Mix in the embedding, then attention, then the MLP; both on a normalised input.

    Args:
        layer: index of the block, from 0.
        attention: built for this layer.
        config: chooses the other parts.
    """

    def __init__(self, layer: int, attention: Attention, config: ModelConfig) -> None:
        super().__init__()
        self.layer = layer
        self.mix = build_mix(config)
        self.attention = attention
        self.mlp = build_mlp(config)
        depth_scale = (layer + 1) ** -0.5
        scaled = config.ln_scale == "norm_input"
        self.norm = ScaledRmsNorm(depth_scale) if scaled else RmsNorm()
        written = depth_scale if config.ln_scale == "residual" else 1.0
        self.attn_scale = build_branch_scale(config, written)
        self.mlp_scale = build_branch_scale(config, written)

    def forward(self, lanes: Lanes, carry: Carry) -> Lanes:
        x = self.mix(lanes[0], carry.x0_BTC)
        x = carry.end(x) + self.attend(x, carry)
        x = x + self.feed(x, carry)
        return x, x

    def attend(self, x_BTC: Tensor, carry: Carry) -> Tensor:
        """Return what attention adds to the stream."""
        run = partial(self.attention, residual_BTC=x_BTC, carry=carry)
        added: Tensor = self.attn_scale(carry.through("attn", run, self.norm(x_BTC)))
        return added

    def feed(self, x_BTC: Tensor, carry: Carry) -> Tensor:
        """Return what the MLP adds to the stream."""
        run = partial(self.mlp, carry=carry)
        added: Tensor = self.mlp_scale(carry.through("mlp", run, self.norm(x_BTC)))
        return added


class ParallelBlock(Block):
    """Attention and the MLP read the same input. Source: parameter-golf PR 1493."""

    def forward(self, lanes: Lanes, carry: Carry) -> Lanes:
        x = self.mix(lanes[0], carry.x0_BTC)
        end = carry.end(x)
        x = end + self.attend(x, carry) + self.feed(end, carry)
        return x, x


class TwoLaneBlock(Block):
    """Attention reads the first lane, mixed with the embedding; the MLP reads the second.

    In the first half of the route there is one lane still. Source: parameter-golf PR 1530.
    """

    def forward(self, lanes: Lanes, carry: Carry) -> Lanes:
        if not carry.slot.decodes:
            return super().forward(lanes, carry)
        attn = self.attend(self.mix(lanes[0], carry.x0_BTC), carry)
        ends: Lanes = carry.end(lanes[0]), carry.end(lanes[1])
        mixed: Lanes = carry.lanes(self.layer, ends, attn, self.feed(ends[1], carry))
        return mixed


PARALLEL = {"one_stream": ParallelBlock, "two_lane": TwoLaneBlock}


def build_block(layer: int, attention: Attention, config: ModelConfig) -> Block:
    """Return the block of one layer in the form that ``config`` gives it."""
    is_parallel = config.parallel != "none" and layer >= config.parallel_start
    kind = PARALLEL[config.parallel] if is_parallel else Block
    return kind(layer, attention, config)
