"""The whole forward pass; training, evaluation and test-time training all run this one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.schema.model import ModelConfig
from golf.model.adapters import ADAPTED, LoopAdapters
from golf.model.attend import Attend, backend
from golf.model.attention import Attention
from golf.model.block import build_block
from golf.model.carry import Carry, Lanes, Tap
from golf.model.front import build_bigram, build_smear
from golf.model.head import build_head, target_nll
from golf.model.lanes import build_lanes
from golf.model.linear import Linear, rms_norm
from golf.model.roles import EMBED
from golf.model.route import HEAD_SLOT, Slot, build_route
from golf.model.skips import build_backout, build_skips
from golf.model.value_embed import build_value_table
from golf.model.window import build_windows


class GPT(nn.Module):
    """A pre-norm decoder.

    Output projections start at zero, so the network is the identity at step 0 and its first
    loss is close to ln(vocabulary).
    """

    roles = {"embed_VC": EMBED}

    def __init__(
        self,
        config: ModelConfig,
        vocab_size: int,
        seq_len: int,
        attend: Attend,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.config, self.dtype = config, dtype
        windows = build_windows(config.window_pattern, config.depth, seq_len, config.short_window)
        table = torch.empty(vocab_size, config.model_dim).normal_(0.0, config.embed_init_std)
        self.embed_VC = nn.Parameter(table.to(getattr(torch, config.embed_dtype)))
        self.blocks = nn.ModuleList(
            build_block(i, Attention(config, i, vocab_size, seq_len, window, attend), config)
            for i, window in enumerate(windows)
        )
        self.head = build_head(config, vocab_size)
        self.bigram = build_bigram(config)
        self.smear, self.blend = build_smear(config)
        self.values = build_value_table(vocab_size, config)
        self.lanes = build_lanes(config)
        self.skips = build_skips(config)
        self.backout = build_backout(config.backout)
        self.adapters = build_adapters(config, self.blocks)
        self.route: tuple[Slot, ...] = build_route(config, config.loop_count)

    def logits(
        self,
        tokens_BT: Tensor,
        starts_BT: Tensor | None = None,
        taps: tuple[Tap, ...] = (),
        last: int | None = None,
    ) -> Tensor:
        """Return the logits of each next token, (B, T, V) float32; (B, last, V) with ``last``.

        Args:
            tokens_BT: input tokens.
            starts_BT: where each token's document begins within its row, to keep attention
                inside documents; None to attend across them.
            taps: see ``golf.model.carry.Carry``.
            last: how many positions at the end of each row are wanted, at least 1. The last
                block's queries and MLP and the head then skip the rest, which is most of what
                a sliding window computes; the numbers are the same.
        """
        carry = self.carry(tokens_BT, starts_BT, taps)
        lanes: Lanes = (carry.x0_BTC, carry.x0_BTC)
        outputs: list[Lanes] = []
        for slot in self.route:
            carry = carry.at(slot, last if slot is self.route[-1] else None)
            lanes = self.blocks[slot.layer](self.skips(lanes, outputs, slot), carry)
            outputs.append(lanes)
        x = self.backout(self.lanes.merge(lanes), outputs)
        logits: Tensor = self.head(rms_norm(x), self.embed_VC, carry.at(HEAD_SLOT))
        return logits

    def carry(self, tokens_BT: Tensor, starts_BT: Tensor | None, taps: tuple[Tap, ...]) -> Carry:
        """Return what accompanies the stream, the normalised embedding included."""
        x = F.embedding(tokens_BT, self.embed_VC).to(self.dtype)
        x = rms_norm(self.smear(self.bigram(x, tokens_BT), tokens_BT))
        x0 = self.blend(x, tokens_BT)
        taps = (*self.adapters, *taps)
        values = self.values(tokens_BT, self.dtype)
        return Carry(tokens_BT, x0, starts_BT, self.lanes, taps, HEAD_SLOT, values)

    def forward(
        self,
        tokens_BT: Tensor,
        targets_BT: Tensor,
        starts_BT: Tensor | None = None,
        taps: tuple[Tap, ...] = (),
        last: int | None = None,
    ) -> Tensor:
        """Return the negative log likelihood of each target in nats, (B, T) float32.

        With ``last``, targets and result are those of the last positions, (B, last).
        """
        return target_nll(self.logits(tokens_BT, starts_BT, taps, last), targets_BT)

    def bake(self) -> None:
        """Make every master weight the weight in use, before it is measured or exported."""
        for part in self.modules():
            if isinstance(part, Linear):
                part.bake()


def build_adapters(config: ModelConfig, blocks: nn.ModuleList) -> nn.ModuleList:
    """Return the model's own taps: at most one, which adapts the passes of a loop."""
    if not (config.loop_count and config.loop_lora_rank):
        return nn.ModuleList()
    maps = [{n: getattr(b.attention, n) for n in ADAPTED} for b in blocks]
    return nn.ModuleList([LoopAdapters(config, maps)])


def build_gpt(
    config: ModelConfig, vocab_size: int, seq_len: int, attention: str, dtype: str
) -> GPT:
    """Return a model with fresh weights drawn from torch's global generator."""
    return GPT(config, vocab_size, seq_len, backend(attention), getattr(torch, dtype))
