"""Gates on the output of attention heads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from golf.model.roles import SCALAR


class OutputGate(nn.Module):
    """Scale each head by 2 * sigmoid of the first few channels of attention's input.

    Zero-initialised, so every gate is exactly 1 at step 0 and a gated model starts out equal
    to an ungated one. Source: parameter-golf PR 1667.
    """

    roles = {"table_HW": SCALAR}

    def __init__(self, gate_width: int, n_head: int) -> None:
        super().__init__()
        self.gate_width = gate_width
        self.table_HW = nn.Parameter(torch.zeros(n_head, gate_width))

    def forward(self, y_BTHD: Tensor, x_BTC: Tensor) -> Tensor:
        table = self.table_HW.to(x_BTC.dtype)
        gate_BTH = 2 * torch.sigmoid(x_BTC[..., : self.gate_width] @ table.T)
        return y_BTHD * gate_BTH.unsqueeze(-1)


class NoGate(nn.Module):
    """Leave the heads as they are."""

    def forward(self, y_BTHD: Tensor, x_BTC: Tensor) -> Tensor:
        return y_BTHD


def build_gate(kind: str, gate_width: int, n_head: int) -> nn.Module:
    """Return the gate called ``kind``."""
    return OutputGate(gate_width, n_head) if kind == "out_gate" else NoGate()
