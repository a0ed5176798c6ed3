"""Optimizers from roles, and their state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from golf.config.schema.train import OptimConfig
from golf.optim.muon import Muon

GROUPS = ("matrix", "embed", "head", "scalar")


class Optimizers:
    """Muon for the matrices, AdamW for embeddings and scalars, stepped together."""

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        groups: Mapping[str, str],
        config: OptimConfig,
        dtype: torch.dtype,
    ) -> None:
        self.parameters = dict(parameters)
        members = {g: [p for n, p in parameters.items() if groups[n] == g] for g in GROUPS}
        if sum(map(len, members.values())) != len(self.parameters):
            raise ValueError(f"every parameter needs one of the groups {GROUPS}")
        self.muon = Muon(
            members["matrix"], lr=config.matrix_lr, momentum=config.muon_momentum,
            ns_steps=config.muon_ns_steps, weight_decay=config.muon_wd, dtype=dtype,
        )  # fmt: skip
        kinds = [
            {"params": members["embed"], "lr": config.embed_lr, "weight_decay": config.adam_wd},
            {"params": members["head"], "lr": config.head_lr, "weight_decay": 0.0},
            {"params": members["scalar"], "lr": config.scalar_lr, "weight_decay": 0.0},
        ]
        betas = (config.adam_beta1, config.adam_beta2)
        filled = [k for k in kinds if k["params"]]
        self.adam = torch.optim.AdamW(filled, betas=betas, eps=config.adam_eps, fused=True)
        self.all: tuple[torch.optim.Optimizer, ...] = (self.muon, self.adam)
        self._base = [(g, g["lr"]) for o in self.all for g in o.param_groups]

    def step(self, lr_multiplier: float, momentum: float) -> None:
        """Apply the gradients and clear them."""
        for group, lr in self._base:
            group["lr"] = lr * lr_multiplier
        for group in self.muon.param_groups:
            group["momentum"] = momentum
        for optimizer in self.all:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Return every state tensor under ``parameter:field``."""
        return {
            f"{name}:{field}": value
            for name, p in self.parameters.items()
            for optimizer in self.all
            for field, value in optimizer.state.get(p, {}).items()
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take back what ``state`` returned."""
        muon = {p for g in self.muon.param_groups for p in g["params"]}
        for key, value in state.items():
            name, _, field = key.rpartition(":")
            p = self.parameters[name]
            optimizer = self.muon if p in muon else self.adam
            optimizer.state[p][field] = value
