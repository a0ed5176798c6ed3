"""Priming compiles every graph that a training will meet, before the clock starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from golf.config.knob import Value
from golf.config.machine import Launch
from golf.model.gpt import GPT
from golf.stages.train import Training
from tests.conftest import TINY, Project
from tests.stages.results import context

KINDS: dict[str, dict[str, Value]] = {
    "looped": {
        "model.depth": 3, "model.loop_count": 1, "model.loop_end": 1, "train.loop_at": 0.4,
        "model.skips": "gated", "model.loop_lora_rank": 2,
    },
    "growing": {"model.depth": 3, "train.grow_from": 2, "train.grow_at": 0.4},
    "rounded": {"train.qat_bits": 4, "train.qat_at": 0.6},
    "all": {
        "model.depth": 3, "model.loop_count": 1, "model.loop_end": 1, "train.loop_at": 0.5,
        "train.grow_from": 2, "train.grow_at": 0.25, "train.qat_bits": 4, "train.qat_at": 0.75,
        "train.ema_decay": 0.9,
    },
}  # fmt: skip


POINTS = {"train.loop_at", "train.grow_at", "train.qat_at"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_phase_meets_a_graph_that_priming_has_not_compiled(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Graphs are caught as Dynamo hands them over and run as they are: no code is generated."""
    caught: list[Any] = []

    def catch(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        caught.append(graph)
        return graph.forward

    def compiled(model: GPT, dynamic: bool) -> None:
        nn.Module.compile(model, backend=catch, dynamic=dynamic)

    monkeypatch.setattr(GPT, "compile", compiled)
    settings = {**TINY, **KINDS[kind], "train.steps": 8}
    node = lone_project.plan(settings, launch=Launch(compile="on")).cells[0].train
    lone_project.prepare(node)
    torch.compiler.reset()
    training = Training(context(lone_project, node))
    training.prime()
    primed = len(caught)
    assert primed >= len(training.phases)
    while not training.budget.is_spent:
        training.step()
    assert len(training.realised) == 1 + len(POINTS & settings.keys())
    assert len(caught) == primed
