"""Optimizers from roles, and their state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from golf.config.schema.train import OptimConfig
from golf.optim.muon import Muon, build_rule
from golf.optim.schedule import Rates
from golf.optim.team import Alone, Team

GROUPS = ("matrix", "embed", "head", "scalar", "resid", "x0", "adapter")
ALONE = Alone()


class Optimizers:
    """Muon for the matrices, Adam for embeddings and scalars, stepped together."""

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        groups: Mapping[str, str],
        config: OptimConfig,
        dtype: torch.dtype,
        width: int = 1,
        team: Team = ALONE,
    ) -> None:
        """Sort ``parameters`` by ``groups`` into optimizers.

        Args:
            parameters: by name.
            groups: the optimizer group of each name.
            config: rates and rules.
            dtype: precision of the activations.
            width: channels of the residual stream, for rates that depend on it.
            team: the processes that share the work.

        Raises:
            ValueError: a parameter of no known group.
        """
        self.parameters = dict(parameters)
        members = {g: [p for n, p in parameters.items() if groups[n] == g] for g in GROUPS}
        if sum(map(len, members.values())) != len(self.parameters):
            raise ValueError(f"every parameter needs one of the groups {GROUPS}")
        self.muon = Muon(
            members["matrix"], lr=config.matrix_lr, momentum=config.muon_momentum,
            weight_decay=config.muon_wd, rule=build_rule(config, dtype), team=team,
        )  # fmt: skip
        kinds = adam_groups(config, width)
        self.adam = torch.optim.Adam(
            [{"params": members[g], **settings} for g, settings in kinds.items()],
            eps=config.adam_eps, decoupled_weight_decay=True, fused=True,
        )  # fmt: skip
        self.all: tuple[torch.optim.Optimizer, ...] = (self.muon, self.adam)
        self._base = [(g, g["lr"]) for o in self.all for g in o.param_groups]
        self._muon_wd = config.muon_wd

    def step(self, rates: Rates) -> None:
        """Apply the gradients and clear them."""
        for group, lr in self._base:
            group["lr"] = lr * rates.lr
        for group in self.muon.param_groups:
            group["momentum"] = rates.momentum
            group["weight_decay"] = self._muon_wd * rates.decay
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
        """Take back what ``state`` returned; what it does not name is as if never stepped."""
        for optimizer in self.all:
            optimizer.state.clear()
        muon = {p for g in self.muon.param_groups for p in g["params"]}
        for key, value in state.items():
            name, _, field = key.rpartition(":")
            p = self.parameters[name]
            optimizer = self.muon if p in muon else self.adam
            optimizer.state[p][field] = value


def adam_groups(config: OptimConfig, width: int) -> dict[str, dict[str, Any]]:
    """Return Adam's settings for each group that it moves."""
    narrow = (width / config.lr_reference_width) ** -0.5 if config.lr_reference_width else 1.0
    betas = (config.adam_beta1, config.adam_beta2)
    x0_beta1 = config.adam_beta1 if config.x0_beta1 is None else config.x0_beta1
    plain = {"lr": config.scalar_lr, "betas": betas, "weight_decay": 0.0}
    return {
        "embed": {
            **plain, "lr": config.embed_lr * narrow, "weight_decay": config.embed_wd,
            "decoupled_weight_decay": config.embed_wd_mode == "decoupled",
        },
        "head": {**plain, "lr": config.head_lr * narrow},
        "scalar": {**plain, "weight_decay": config.scalar_wd},
        "resid": {**plain, "lr": config.scalar_lr if config.resid_lr is None else config.resid_lr},
        "x0": {**plain, "betas": (x0_beta1, config.adam_beta2)},
        "adapter": {**plain, "lr": config.adapter_lr},
    }  # fmt: skip
