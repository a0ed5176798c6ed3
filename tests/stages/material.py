"""A small model whose every weight was drawn, a text of many documents, and worlds of threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from golf.config.schema.model import ModelConfig
from golf.config.tokens import BOS
from golf.data.validation import ValidationStream
from golf.model.gpt import GPT, build_gpt
from golf.stages.scoring import Scorer, ScoreSheet
from golf.stages.world import World

LENGTH, VOCAB = 32, 64
ALONE = World(0, 1, torch.device("cpu"))
SMALL = {"depth": 2, "model_dim": 32, "head_dim": 8, "q_gain": 1.5}


def small_model(length: int = LENGTH, **changes: object) -> GPT:
    """Return a model of random weights, so that nothing is hidden by a start at zero."""
    model = build_gpt(ModelConfig(**{**SMALL, **changes}), VOCAB, length, "tiles", "float32")
    draw = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data.normal_(0.0, 0.2, generator=draw)
    return model


def text(*lengths: int, seed: int = 0) -> ValidationStream:
    """Return documents of so many inputs, BOS included, and the BOS that ends the last one."""
    draw = torch.Generator().manual_seed(seed)
    tokens = torch.randint(4, VOCAB, (sum(lengths) + 1,), generator=draw)
    tokens[torch.tensor([0, *lengths]).cumsum(0)] = BOS
    return ValidationStream(tokens, (tokens >= 4).long())


def silently(_step: int, _of: int) -> None:
    """Tell nobody."""


def scores(scorer: Scorer, stream: ValidationStream, world: World = ALONE) -> Tensor:
    """Return the score of every target, (N,) nats."""
    sheet = ScoreSheet(stream.targets, world)
    scorer.score(stream, sheet, silently)
    sheet.close()
    return sheet.nats


@dataclass(frozen=True)
class ThreadWorld(World):
    """One of several threads that add up their tensors like processes do."""

    parts: dict[int, Tensor] = field(default_factory=dict)
    barrier: Any = None

    def sum(self, tensor: Tensor) -> Tensor:
        self.parts[self.rank] = tensor
        self.barrier.wait()
        total = torch.stack([self.parts[r] for r in range(self.size)]).sum(0).to(tensor.dtype)
        self.barrier.wait()
        return tensor.copy_(total)

    def most(self, value: float) -> float:
        values = torch.zeros(self.size, dtype=torch.float64)
        values[self.rank] = value
        return float(self.sum(values).max())

    def wait(self) -> None:
        self.barrier.wait()


def on_ranks(size: int, work: Callable[[World], Tensor]) -> list[Tensor]:
    """Return what ``work`` gives on each of ``size`` ranks that run side by side."""
    parts, barrier = {}, threading.Barrier(size, timeout=60)
    found: dict[int, Tensor] = {}

    def run(rank: int) -> None:
        world = ThreadWorld(rank, size, torch.device("cpu"), parts, barrier)
        try:
            found[rank] = work(world)
        except BaseException:
            barrier.abort()
            raise

    threads = [threading.Thread(target=run, args=(r,)) for r in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[r] for r in range(size)]
