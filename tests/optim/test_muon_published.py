"""First steps of matrices against those of the published programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from golf.config.schema.train import OptimConfig
from golf.optim.build import ALONE
from golf.optim.muon import Muon, build_rule

FIDELITY = Path(__file__).parent.parent / "data" / "fidelity"


def published(name: str, config: OptimConfig, start: str, after: str) -> float:
    """Return the relative error of a published first step."""
    fixture = {**load_file(FIDELITY / start), **load_file(FIDELITY / after)}
    p = nn.Parameter(fixture[f"weight.{name}"].clone())
    p.grad = fixture[f"grad.{name}"]
    rule = build_rule(config, torch.bfloat16)
    Muon(
        [p], lr=config.matrix_lr, momentum=0.95, weight_decay=config.muon_wd, rule=rule, team=ALONE
    ).step()
    ends = (p.detach(), fixture[f"after1.{name}"])
    update, expected = (t - fixture[f"weight.{name}"] for t in ends)
    return float((update - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    ("name", "noise"),
    [
        ("blocks.0.attn.c_q.weight", 1e-5),
        ("blocks.0.attn.c_k.weight", 1e-5),
        ("blocks.0.attn.c_v.weight", 1e-5),
        ("blocks.0.mlp.proj.weight", 0.03),  # a last bit of the norm, after five steps in bfloat16
        ("blocks.0.mlp.fc.weight", 1e-5),
    ],
)
def test_the_first_step_of_the_published_baseline_is_reproduced(name: str, noise: float) -> None:
    config = OptimConfig(matrix_lr=0.04)
    assert published(name, config, "naive_step.safetensors", "naive_step.safetensors") < noise


def autoresearch_errors(**changes: object) -> Iterator[float]:
    settings = {
        "matrix_lr": 0.02, "muon_ns": "polar_safe", "muon_beta2": 0.95, "muon_wd": 0.1,
        "muon_wd_mode": "cautious", "muon_momentum_form": "average", **changes,
    }  # fmt: skip
    config = OptimConfig(**settings)  # type: ignore[arg-type]
    parts = ["attn.c_k", "attn.c_proj", "attn.c_q", "attn.c_v", "attn.ve_gate", "mlp.c_fc"]
    for part in (*parts, "mlp.c_proj"):
        name = f"transformer.h.1.{part}.weight"
        yield published(name, config, "autoresearch.safetensors", "autoresearch_step.safetensors")


def test_the_first_step_of_autoresearch_is_reproduced() -> None:
    """NorMuon, Polar Express and cautious decay at once, with all of the program's rounding."""
    assert max(autoresearch_errors()) < 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"muon_momentum_form": "sum"},
        {"muon_wd_mode": "decoupled"},
        {"muon_wd": 0.0},
        {"muon_beta2": None},
        {"muon_ns": "classic"},
        {"muon_ns": "polar"},
    ],
    ids=str,
)
def test_another_rule_misses_the_first_step_of_autoresearch(changes: dict[str, object]) -> None:
    assert sorted(autoresearch_errors(**changes))[3] > 0.02
