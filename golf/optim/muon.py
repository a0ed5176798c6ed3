"""Muon: momentum whose matrix is orthogonalised before it is applied.

Source: Keller Jordan, Muon, 2024; decay and size factor as in parameter-golf.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from golf.optim.newton_schulz import orthogonalize


class Muon(torch.optim.Optimizer):
    """For matrices (out, in): W <- (1 - lr wd) W - lr sqrt(max(1, out/in)) NS(G + m buf).

    Matrices of one shape are orthogonalised as one batch.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float,
        ns_steps: int,
        weight_decay: float,
        dtype: torch.dtype,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(matrices, defaults)
        self.ns_steps = ns_steps
        self.dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                by_shape.setdefault(p.shape, []).append(p)
            for same in by_shape.values():
                self._step_bank(same, group["lr"], group["momentum"], group["weight_decay"])

    def _step_bank(self, bank: list[Tensor], lr: float, momentum: float, decay: float) -> None:
        bank = [p for p in bank if p.grad is not None]
        grads = [p.grad for p in bank if p.grad is not None]
        if not bank:
            return
        buffers = [self._buffer(p) for p in bank]
        torch._foreach_mul_(buffers, momentum)
        torch._foreach_add_(buffers, grads)
        nesterov = torch._foreach_add(grads, buffers, alpha=momentum)
        updates = orthogonalize(torch.stack(nesterov), self.ns_steps, self.dtype)
        size_factor = max(1.0, bank[0].size(0) / bank[0].size(1)) ** 0.5
        if decay:
            torch._foreach_mul_(bank, 1 - lr * decay)
        deltas = list(updates.to(bank[0].dtype).unbind())
        torch._foreach_add_(bank, deltas, alpha=-lr * size_factor)

    def _buffer(self, p: Tensor) -> Tensor:
        state = self.state[p]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(p)
        buffer: Tensor = state["momentum"]
        return buffer
