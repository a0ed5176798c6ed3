"""Gates on the heads of attention: on their outputs, and on their value embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.model.roles import SCALAR, Role


class HeadGate(nn.Module):
    """Scale each head by 2 * sigmoid of the first few channels of attention's input.

    Zero-initialised, so every gate is exactly 1 at step 0 and a gated model starts out equal
    to an ungated one. Source: parameter-golf PR 1667 (outputs), karpathy/autoresearch (values).
    """

    def __init__(self, width: int, heads: int, role: Role) -> None:
        super().__init__()
        self.width = width
        self.table_HW = nn.Parameter(torch.zeros(heads, width))
        self.roles = {"table_HW": role}

    def forward(self, y_BTHD: Tensor, x_BTC: Tensor) -> Tensor:
        table = self.table_HW.to(x_BTC.dtype)
        gate_BTH = 2 * torch.sigmoid(x_BTC[..., : self.width] @ table.T)
        return y_BTHD * gate_BTH.unsqueeze(-1)


class OpenGate(nn.Module):
    """Leave the heads as they are."""

    def forward(self, y_BTHD: Tensor, x_BTC: Tensor) -> Tensor:
        return y_BTHD


def build_gate(kind: str, gate_width: int, n_head: int) -> nn.Module:
    """Return the output gate called ``kind``."""
    return HeadGate(gate_width, n_head, SCALAR) if kind == "out_gate" else OpenGate()
