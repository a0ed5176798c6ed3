"""Exclusive self-attention: heads drop what they read along their own position's value.

y <- y - share * (y . v) v / |v|^2. Source: parameter-golf PR 287 and later ("XSA").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.config.layers import layer_set
from golf.config.schema.model import ModelConfig
from golf.model.roles import SCALAR


class Exclude(nn.Module):
    """Drop all of it. Query head h reads value head h // (H / K)."""

    def forward(self, y_BTHD: Tensor, v_BTKD: Tensor) -> Tensor:
        unit = F.normalize(v_BTKD, dim=-1, eps=1e-12).unsqueeze(3)
        y = y_BTHD.unflatten(2, (v_BTKD.size(2), -1))
        along = (y * unit).sum(-1, keepdim=True)
        kept: Tensor = (y - self.share(along) * unit).flatten(2, 3)
        return kept

    def share(self, along_BTKG1: Tensor) -> Tensor:
        """Return what is dropped of the part along the value."""
        return along_BTKG1


class GatedExclude(Exclude):
    """Drop a learned share per head, 98 % at the start (parameter-golf PR 1125, row 41)."""

    roles = {"gate_H": SCALAR}

    def __init__(self, n_head: int) -> None:
        super().__init__()
        self.gate_H = nn.Parameter(torch.full((n_head,), 4.0))

    def share(self, along_BTKG1: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate_H.to(along_BTKG1.dtype))
        return gate.view(along_BTKG1.size(2), -1, 1) * along_BTKG1


class KeepAll(nn.Module):
    """Leave the heads as they are."""

    def forward(self, y_BTHD: Tensor, v_BTKD: Tensor) -> Tensor:
        return y_BTHD


def build_exclude(config: ModelConfig, layer: int, n_head: int) -> nn.Module:
    """Return the part of one layer."""
    if layer not in layer_set(config.xsa, config.depth):
        return KeepAll()
    return GatedExclude(n_head) if config.xsa_gated else Exclude()
