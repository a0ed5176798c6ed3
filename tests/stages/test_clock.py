"""What the clock of a training counts, and what it leaves out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from golf.config.schema.train import TrainConfig
from golf.stages.clock import Budget, timed
from golf.stages.world import World
from tests.stages.material import on_ranks

WORLD = World(0, 1, torch.device("cpu"))
COMPILING_S = 0.3


class Gpu:
    """A clock, and work that is queued until somebody waits for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.queued = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(torch.cuda, "synchronize", self.synchronize)

    def synchronize(self) -> None:
        self.now, self.queued = self.now + self.queued, 0.0


def test_work_that_a_gpu_has_queued_is_training_also_where_logging_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = Gpu(monkeypatch)
    budget = Budget(TrainConfig(steps=4), World(0, 1, torch.device("cuda")))
    budget.start()
    for step in range(4):
        gpu.queued += 1.0
        budget.count_step()
        if step == 1:
            with budget.stopped():
                assert budget.elapsed == 2.0
                gpu.synchronize()
                gpu.now += 100.0
    assert budget.elapsed == 4.0


def test_what_the_leader_saves_is_charged_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def work(world: World) -> Tensor:
        budget = Budget(TrainConfig(steps=None, seconds=100.0), world)
        budget.start()
        with budget.stopped():
            if world.leads:
                time.sleep(0.1)  # the other goes ahead, as far as it may
                clock[0] += 100.0
        world.wait()  # for the gradients of the next step
        budget.count_step()
        return torch.tensor(budget.elapsed)

    elapsed = on_ranks(2, work)
    assert elapsed[0] == elapsed[1] == 0.0


@pytest.mark.parametrize("is_compiled", [pytest.param(True, marks=pytest.mark.slow), False])
def test_compiling_stands_apart_from_scoring(is_compiled: bool) -> None:
    def slowly(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
        time.sleep(COMPILING_S)
        return graph.forward

    torch.compiler.reset()
    double = torch.compile(lambda x: 2 * x, backend=slowly) if is_compiled else lambda x: 2 * x
    double(torch.ones(2))  # loads the compiler
    numerics = {"numerics.compile": is_compiled, "numerics.attention": "tiles"}
    began = time.perf_counter()
    with timed("eval_s", numerics) as clocks:
        double(torch.ones(2, 3, 4))
    assert (clocks.get("compile_s", 0.0) >= COMPILING_S) is is_compiled
    assert sum(clocks.values()) <= time.perf_counter() - began


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
