"""The clock of a training: what counts towards its budget."""

from __future__ import annotations

import time

import pytest
import torch

from golf.config.schema.train import TrainConfig
from golf.stages.clock import Budget
from golf.stages.world import World

WORLD = World(0, 1, torch.device("cpu"))


def test_the_share_of_a_budget_in_steps_stands_still_for_uncounted_steps() -> None:
    budget = Budget(TrainConfig(steps=6, uncounted_steps=2), WORLD)
    budget.start()
    seen = []
    while not budget.is_spent:
        seen.append(budget.progress.done)
        budget.count_step()
    assert seen == [0.0, 0.0, 0.0, 0.25, 0.5, 0.75]
    assert budget.step == budget.expected_steps == 6
    assert budget.step_share == 0.25


def test_the_clock_stands_still_for_uncounted_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(99))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(now)))
    budget = Budget(TrainConfig(steps=None, seconds=4.0, uncounted_steps=11), WORLD)
    budget.start()
    elapsed = []
    while not budget.is_spent:
        budget.count_step()
        elapsed.append(budget.elapsed)
    assert elapsed == [0.0] * 11 + [1.0, 2.0, 3.0, 4.0]
    assert budget.step_share == 0.25
    assert budget.expected_steps == 15
