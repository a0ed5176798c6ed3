"""From the last hidden state to the loss of each target."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.schema.model import ModelConfig
from golf.model.carry import Carry
from golf.model.linear import Linear
from golf.model.roles import HEAD


class Softcap(nn.Module):
    """c * tanh(logits / c) in float32: logits stay within ±c. Source: Gemma 2, arXiv 2408.00118."""

    def __init__(self, cap: float) -> None:
        super().__init__()
        self.cap = cap

    def forward(self, logits_BTV: Tensor) -> Tensor:
        # c tanh(z / c) = 2c sigmoid(2z / c) - c, and sigmoid is several times faster on CPU.
        return 2 * self.cap * torch.sigmoid(logits_BTV.float() * (2 / self.cap)) - self.cap


class ActivationSoftcap(Softcap):
    """The cap in the precision that the logits come in. Source: parameter-golf."""

    def forward(self, logits_BTV: Tensor) -> Tensor:
        return self.cap * torch.tanh(logits_BTV / self.cap)


def build_softcap(config: ModelConfig) -> nn.Module:
    """Return the cap; None skips the operation."""
    if config.logit_softcap is None:
        return nn.Identity()
    kind = ActivationSoftcap if config.softcap_dtype == "activation" else Softcap
    return kind(config.logit_softcap)


class TiedHead(nn.Module):
    """Logits against the token embedding itself, float32 once they are capped."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.softcap = build_softcap(config)

    def forward(self, hidden_BTC: Tensor, table_VC: Tensor, carry: Carry) -> Tensor:
        run = partial(F.linear, weight=table_VC.to(hidden_BTC.dtype))
        logits: Tensor = self.softcap(carry.through("head", run, hidden_BTC)).float()
        return logits


class UntiedHead(TiedHead):
    """Logits against a table of the head's own, zero or normal at the start."""

    def __init__(self, config: ModelConfig, vocab_size: int) -> None:
        super().__init__(config)
        self.out = Linear(config.model_dim, vocab_size, HEAD, "zero")
        if config.head_init_std:
            nn.init.normal_(self.out.master, std=config.head_init_std)

    def forward(self, hidden_BTC: Tensor, table_VC: Tensor, carry: Carry) -> Tensor:
        return super().forward(hidden_BTC, self.out.weight(), carry)


def build_head(config: ModelConfig, vocab_size: int) -> TiedHead:
    """Return the head that shares the embedding, or one of its own."""
    return TiedHead(config) if config.tied else UntiedHead(config, vocab_size)


def target_nll(logits_BTV: Tensor, targets_BT: Tensor) -> Tensor:
    """Return the negative log likelihood of each target in nats, (B, T) float32."""
    nll = F.cross_entropy(logits_BTV.flatten(0, 1), targets_BT.flatten(), reduction="none")
    return nll.view_as(targets_BT)
