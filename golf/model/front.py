"""From tokens to the normalised embedding: hashed pairs and smeared neighbours, if any."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.schema.model import ModelConfig
from golf.config.tokens import BOS
from golf.model.linear import Linear
from golf.model.roles import EMBED, SCALAR

HASH_THIS, HASH_LAST = 36313, 27191


class Unchanged(nn.Module):
    """Leave the embedding as it is."""

    def forward(self, x_BTC: Tensor, tokens_BT: Tensor) -> Tensor:
        return x_BTC


class Bigram(nn.Module):
    """Add a projected row of a table hashed by (previous token, token), scale 0.05 at the start.

    The first token of a row has a row of its own. Source: parameter-golf PR 162 and later.
    """

    roles = {"table_NE": EMBED, "scale_1": SCALAR}

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        table = torch.zeros(config.bigram_buckets, config.bigram_dim)
        self.table_NE = nn.Parameter(table.to(getattr(torch, config.embed_dtype)))
        self.project = Linear(config.bigram_dim, config.model_dim, SCALAR, config.init)
        self.scale_1 = nn.Parameter(torch.full((1,), 0.05))
        self.bos_mask = config.bigram_bos_mask

    def forward(self, x_BTC: Tensor, tokens_BT: Tensor) -> Tensor:
        rows = F.embedding(self.hashed(tokens_BT), self.table_NE).to(x_BTC.dtype)
        pairs: Tensor = self.project(rows)
        return x_BTC + self.scale_1.to(x_BTC.dtype) * pairs

    def hashed(self, tokens_BT: Tensor) -> Tensor:
        """Return each token's row, (B, T) int64; products wrap as int32 ones do."""
        last = self.table_NE.size(0) - 1
        ids = tokens_BT.to(torch.int32)
        mixed = (HASH_THIS * ids[:, 1:]) ^ (HASH_LAST * ids[:, :-1])
        rows = F.pad(mixed % last, (1, 0), value=last).long()
        alone = (tokens_BT == BOS) & self.bos_mask
        return rows.masked_fill(alone, last)


class Smear(nn.Module):
    """x_t <- x_t + strength * sigmoid(first channels of x_t) * x_(t-1); the identity at first.

    Source: parameter-golf PR 1667; the mask at document starts is golf's.
    """

    roles = {"gate_1W": SCALAR, "strength_1": SCALAR}

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.width, self.bos_mask = config.smear_width, config.smear_bos_mask
        self.gate_1W = nn.Parameter(torch.zeros(1, config.smear_width))
        self.strength_1 = nn.Parameter(torch.zeros(1))

    def forward(self, x_BTC: Tensor, tokens_BT: Tensor) -> Tensor:
        gate = torch.sigmoid(x_BTC[..., : self.width] @ self.gate_1W.to(x_BTC.dtype).T)
        before = previous(x_BTC, tokens_BT, self.bos_mask)
        return x_BTC + self.strength_1.to(x_BTC.dtype) * gate * before


class Blend(nn.Module):
    """x_t <- (1 - g) * x_t + g * x_(t-1) with g = sigmoid(learned) per channel, half at first.

    Source: parameter-golf, SmearGate of March 2026.
    """

    roles = {"gate_C": SCALAR}

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.bos_mask = config.smear_bos_mask
        self.gate_C = nn.Parameter(torch.zeros(config.model_dim))

    def forward(self, x_BTC: Tensor, tokens_BT: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate_C.to(x_BTC.dtype))
        return (1 - gate) * x_BTC + gate * previous(x_BTC, tokens_BT, self.bos_mask)


def previous(x_BTC: Tensor, tokens_BT: Tensor, bos_mask: bool) -> Tensor:
    """Return each token's predecessor, zero for the first of a row and, masked, for BOS."""
    before = F.pad(x_BTC[:, :-1], (0, 0, 1, 0))
    return before.masked_fill(((tokens_BT == BOS) & bos_mask).unsqueeze(-1), 0.0)


def build_bigram(config: ModelConfig) -> nn.Module:
    """Return the part that adds hashed pairs, before the first norm."""
    return Bigram(config) if config.bigram_buckets else Unchanged()


def build_smear(config: ModelConfig) -> tuple[nn.Module, nn.Module]:
    """Return what smears before the first norm, and what blends after it."""
    smear = Smear(config) if config.smear == "v2" else Unchanged()
    return smear, Blend(config) if config.smear == "v1" else Unchanged()
