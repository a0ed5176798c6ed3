"""The rules for matrices once more, one matrix and one row at a time, and settings to try."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from golf.config.schema.train import OptimConfig
from golf.optim.build import ALONE
from golf.optim.muon import Muon, build_rule
from golf.optim.team import Team

SHAPES = [(6, 6), (12, 6), (6, 15), (6, 6), (12, 6), (24, 6)]


def orthogonalize_slowly(matrix: Tensor, steps: int = 5) -> Tensor:
    x = matrix if matrix.size(0) <= matrix.size(1) else matrix.T
    x = x / (x.square().sum().sqrt() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x if matrix.size(0) <= matrix.size(1) else x.T


def decorrelate_slowly(matrix: Tensor, passes: int) -> Tensor:
    """Divide each row by its length, and solve T Q' = Q one row after the other."""
    q = matrix.clone() if matrix.size(0) <= matrix.size(1) else matrix.T.clone()
    for _ in range(passes):
        q = torch.stack([row / row.square().sum().sqrt() for row in q])
        solved: list[Tensor] = []
        for i, row in enumerate(q):
            for j, done in enumerate(solved):
                row = row - (q[i] @ q[j]) * done
            solved.append(row / (q[i] @ q[i]))
        q = torch.stack([row / row.square().sum().sqrt() for row in solved])
    return q if matrix.size(0) <= matrix.size(1) else q.T


def equalize_slowly(update: Tensor, second: list[float], beta2: float) -> Tensor:
    """Scale the rows of a tall or square matrix, the columns of a wide one."""
    neurons = update if update.size(0) >= update.size(1) else update.T
    scaled = []
    for i, neuron in enumerate(neurons):
        second[i] += (1 - beta2) * (float(neuron.square().mean()) - second[i])
        scaled.append(neuron / max(second[i], 1e-10) ** 0.5)
    done = torch.stack(scaled)
    done = done * (update.norm() / done.norm())
    return done if update.size(0) >= update.size(1) else done.T


def step_slowly(config: OptimConfig, momentum: Tensor, second: list[float]) -> Tensor:
    """Return the step, size factor included."""
    out, into = momentum.shape
    if config.matrix_optimizer == "mud":
        return 0.2 * max(out, into) ** 0.5 * decorrelate_slowly(momentum, config.mud_passes)
    if config.muon_row_norm:
        momentum = torch.stack([row / row.square().sum().sqrt() for row in momentum])
    update = orthogonalize_slowly(momentum)
    if config.muon_beta2 is not None:
        update = equalize_slowly(update, second, config.muon_beta2)
    return max(1.0, out / into) ** 0.5 * update


def train_slowly(config: OptimConfig, grads: list[list[Tensor]]) -> list[Tensor]:
    """Apply the rule to one matrix at a time; with cautious decay the size factor decays too."""
    done = []
    lr, momentum, decay = config.matrix_lr, config.muon_momentum, config.muon_wd
    for i, w in enumerate(draw(0)):
        buffer, second = torch.zeros_like(w), [0.0] * max(w.shape)
        for step in grads:
            share = 1 - momentum if config.muon_momentum_form == "average" else 1.0
            buffer = momentum * buffer + share * step[i]
            update = step_slowly(config, share * step[i] + momentum * buffer, second)
            if config.muon_wd_mode == "cautious":
                factor = max(1.0, w.size(0) / w.size(1)) ** 0.5
                w = w - lr * update - lr * factor * decay * torch.where(update * w >= 0, w, 0)
            else:
                w = w * (1 - lr * decay) - lr * update
        done.append(w)
    return done


def draw(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=torch.float64) for s in SHAPES]


def make(parameters: list[nn.Parameter], config: OptimConfig, team: Team = ALONE) -> Muon:
    return Muon(
        parameters, lr=config.matrix_lr, momentum=config.muon_momentum,
        weight_decay=config.muon_wd, rule=build_rule(config, torch.float64), team=team,
    )  # fmt: skip


def train(muon: Muon, parameters: list[nn.Parameter], grads: list[list[Tensor]]) -> None:
    for step in grads:
        for p, grad in zip(parameters, step, strict=True):
            p.grad = grad.clone()
        muon.step()


RULES: dict[str, dict[str, object]] = {
    "muon": {},
    "no momentum": {"muon_momentum": 0.0},
    "averaged momentum": {"muon_momentum_form": "average"},
    "decay": {"muon_wd": 0.3},
    "cautious decay": {"muon_wd": 0.3, "muon_wd_mode": "cautious"},
    "rows": {"muon_row_norm": True},
    "normuon": {"muon_beta2": 0.7},
    "rows and normuon": {"muon_row_norm": True, "muon_beta2": 0.9, "muon_wd": 0.1},
    "mud": {"matrix_optimizer": "mud", "muon_wd": 0.3},
    "one pass of mud": {"matrix_optimizer": "mud", "mud_passes": 1},
}


EACH = pytest.mark.parametrize("rule", RULES)


def config_of(rule: str) -> OptimConfig:
    return OptimConfig(**{"matrix_lr": 0.02, "muon_momentum": 0.95, **RULES[rule]})  # type: ignore[arg-type]
