"""How much of the budget is used: steps, or seconds of training; and how long scoring takes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from golf.config.schema.train import TrainConfig
from golf.optim.schedule import Progress
from golf.stages.world import World


class Budget:
    """Counts steps and the seconds spent in them; compilation and evaluation are left out.

    During ``uncounted_steps`` neither the clock nor the used share moves.

    With a budget in seconds every process goes by the slowest one's clock, so that all stop at
    the same step and see the same learning rate.
    """

    def __init__(self, config: TrainConfig, world: World) -> None:
        self.steps, self.seconds = config.steps, config.seconds
        self.uncounted = config.uncounted_steps
        self.world = world
        self.step = 0
        self.elapsed = 0.0
        self._since = 0.0

    def start(self) -> None:
        """Start the clock."""
        self._since = time.perf_counter()

    def count_step(self) -> None:
        """Count a finished step."""
        self.step += 1
        self._take(self.seconds is not None or self.step == self.steps)
        if self.seconds is not None:
            self.elapsed = self.world.most(self.elapsed)

    def _take(self, finished: bool) -> None:
        """Count the seconds since the last time; wait for the GPU if work is to be finished."""
        if finished and self.world.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        if self.counted:
            self.elapsed += now - self._since
        self._since = now

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the clock for what is not training, once the GPU has finished what it was given.

        Every step of a budget in seconds is finished when it is counted, and its clock is
        everybody's: all processes stop together, and go on together.
        """
        if self.seconds is None:
            self._take(finished=True)
        began = time.perf_counter()
        yield
        if self.seconds is not None:
            self.world.wait()
        self._since += time.perf_counter() - began

    @property
    def counted(self) -> int:
        """Steps that used up a part of the budget."""
        return max(0, self.step - self.uncounted)

    @property
    def used(self) -> float:
        """Share of the budget that is used up, 0 to 1."""
        if self.seconds is not None:
            return min(1.0, self.elapsed / self.seconds)
        assert self.steps is not None
        return self.counted / (self.steps - self.uncounted)

    @property
    def step_share(self) -> float:
        """Share of the budget that one step takes; measured when the budget is seconds."""
        if self.steps is not None:
            return 1 / (self.steps - self.uncounted)
        return self.used / self.counted if self.counted else 0.0

    @property
    def progress(self) -> Progress:
        """Where the training stands before its next step."""
        return Progress(self.step, self.used, self.step_share)

    @property
    def is_spent(self) -> bool:
        return self.used >= 1.0

    @property
    def expected_steps(self) -> int:
        """Steps of the whole training, as far as is known now."""
        if self.steps is not None:
            return self.steps
        whole = round(1 / self.step_share) if self.step_share else 1
        return max(self.step, self.uncounted + whole)


@contextlib.contextmanager
def timed(name: str, numerics: Mapping[str, Any]) -> Iterator[dict[str, float]]:
    """Measure a block: the seconds called ``name`` and, apart, those that compiling took.

    Args:
        name: of the measure.
        numerics: the policy of the training; it says whether anything is compiled.
    """
    clocks: dict[str, float] = {}
    began = time.perf_counter()
    if numerics["numerics.compile"] or numerics["numerics.attention"] == "flex":
        with _compiling(clocks):
            yield clocks
    else:
        yield clocks
    clocks[name] = time.perf_counter() - began - clocks.get("compile_s", 0.0)


@contextlib.contextmanager
def _compiling(clocks: dict[str, float]) -> Iterator[None]:
    """Add up in ``compile_s`` what torch's compiler takes, as it tells itself."""
    from torch._dynamo.callback import callback_handler  # noqa: PLC0415 (loads the compiler)

    clocks["compile_s"] = 0.0

    def start(_about: object) -> None:
        clocks["compile_s"] -= time.perf_counter()

    def end(_about: object) -> None:
        clocks["compile_s"] += time.perf_counter()

    callback_handler.register_start_callback(start)
    callback_handler.register_end_callback(end)
    try:
        yield
    finally:
        callback_handler.remove_start_callback(start)
        callback_handler.remove_end_callback(end)
