"""Priming compiles every graph that a training will meet, before the clock starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import flex_attention

from golf.config import machine
from golf.config.knob import Value
from golf.config.machine import Launch
from golf.model.gpt import GPT
from golf.stages.context import RECOMPILES
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


MASKED: dict[str, Value] = {"model.window_pattern": "SL", "train.loader": "packed"}


def caught_graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the graphs that Dynamo hands over from now on; they run as they are."""
    caught: list[Any] = []

    def catch(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
        caught.append(graph)
        return graph.forward

    def compiled(model: GPT, dynamic: bool) -> None:
        nn.Module.compile(model, backend=catch, dynamic=dynamic)

    monkeypatch.setattr(GPT, "compile", compiled)
    torch.compiler.reset()
    return caught


def compiled_training(project: Project, settings: dict[str, Value]) -> Training:
    settings = {**TINY, **settings, "train.steps": 8}
    node = project.plan(settings, launch=Launch(compile="on")).cells[0].train
    project.prepare(node)
    return Training(context(project, node))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_phase_meets_a_graph_that_priming_has_not_compiled(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    caught = caught_graphs(monkeypatch)
    training = compiled_training(lone_project, KINDS[kind])
    training.prime()
    primed = len(caught)
    assert primed >= len(training.phases)
    while not training.budget.is_spent:
        training.step()
    assert len(training.realised) == 1 + len(POINTS & KINDS[kind].keys())
    assert len(caught) == primed


@pytest.mark.slow
def test_with_flex_attention_every_phase_is_one_graph(
    lone_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught = caught_graphs(monkeypatch)
    monkeypatch.setattr(machine, "_attention", lambda *_: "flex")
    monkeypatch.setattr(flex_attention, "_validate_device", lambda *_: None)  # learns on CPU too
    training = compiled_training(lone_project, {**KINDS["looped"], **MASKED})
    training.prime()
    while not training.budget.is_spent:
        training.step()
    assert len(caught) == len(training.phases) == 2
    assert torch._dynamo.config.recompile_limit == RECOMPILES
