"""The whole forward pass; training, evaluation and test-time training all run this one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.schema.model import ModelConfig
from golf.model.attend import BACKENDS, Attend
from golf.model.attention import Attention
from golf.model.head import build_head, target_nll
from golf.model.linear import rms_norm
from golf.model.mlp import Mlp
from golf.model.residual import build_mix
from golf.model.roles import EMBED
from golf.model.window import build_windows


class Block(nn.Module):
    """Mix in the embedding, then attention, then the MLP; both on a normalised input."""

    def __init__(self, attention: Attention, config: ModelConfig) -> None:
        super().__init__()
        self.mix = build_mix(config.x0_mix)
        self.attention = attention
        self.mlp = Mlp(config)

    def forward(self, x_BTC: Tensor, x0_BTC: Tensor, tokens_BT: Tensor) -> Tensor:
        x_BTC = self.mix(x_BTC, x0_BTC)
        x_BTC = x_BTC + self.attention(rms_norm(x_BTC), tokens_BT)
        out: Tensor = x_BTC + self.mlp(rms_norm(x_BTC))
        return out


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
        windows = build_windows(config.window_pattern, config.depth, seq_len, config.short_window)
        table = torch.empty(vocab_size, config.model_dim).normal_(0.0, config.embed_init_std)
        self.embed_VC = nn.Parameter(table)
        self.blocks = nn.ModuleList(
            Block(Attention(config, i, vocab_size, seq_len, window, attend), config)
            for i, window in enumerate(windows)
        )
        self.head = build_head(config, vocab_size)
        self.dtype = dtype

    def logits(self, tokens_BT: Tensor) -> Tensor:
        """Return the logits of each next token, (B, T, V) float32."""
        x0 = rms_norm(F.embedding(tokens_BT, self.embed_VC).to(self.dtype))
        x = x0
        for block in self.blocks:
            x = block(x, x0, tokens_BT)
        out: Tensor = self.head(rms_norm(x), self.embed_VC)
        return out

    def forward(self, tokens_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Return the negative log likelihood of each target in nats, (B, T) float32."""
        return target_nll(self.logits(tokens_BT), targets_BT)


def build_gpt(
    config: ModelConfig, vocab_size: int, seq_len: int, attention: str, dtype: str
) -> GPT:
    """Return a model with fresh weights drawn from torch's global generator."""
    return GPT(config, vocab_size, seq_len, BACKENDS[attention], getattr(torch, dtype))
