"""Bits per byte: every target has one score, and the sum of them is exact."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from golf.config.schema.scoring import EvalConfig
from golf.config.tokens import CONTROL_TOKENS
from golf.data.prepare import Prepared
from golf.data.validation import Batch, Row, ValidationStream, batch_rows
from golf.model.carry import Tap
from golf.model.gpt import GPT
from golf.stages.world import World

BATCH_TOKENS = {"cpu": 2048, "cuda": 131072}

Tell = Callable[[int, int], None]


class ScoreSheet:
    """One score for each target of a stream; a score that stands is never revised.

    Kept per target and added up in stream order at the end, so that the sum does not depend on
    how many processes shared the work.
    """

    def __init__(self, targets: int, world: World) -> None:
        self.world = world
        self.nats = torch.zeros(targets, dtype=torch.float32, device=world.device)
        self.times = torch.zeros(targets, dtype=torch.uint8, device=world.device)

    def add(self, nll: Tensor, places: Tensor) -> None:
        """Write down the scores of the targets at ``places``, any shape; -1 does not count.

        Raises:
            ArithmeticError: one of them has a score already.
        """
        kept = places.to(self.world.device) >= 0
        where = places.to(self.world.device)[kept]
        if self.times[where].any() or len(where.unique()) < len(where):
            raise ArithmeticError("a target was scored twice")
        self.nats[where] = nll.detach()[kept].float()
        self.times[where] = 1

    def require_scored(self, places: Tensor, everywhere: bool = True) -> None:
        """Check that what is learned from next has its score: by any process, or by this one.

        All processes call it together for ``everywhere``.

        Raises:
            ArithmeticError: a target has no score yet.
        """
        scored = self.times[places.to(self.world.device)]
        if not (self.world.sum(scored) if everywhere else scored).all():
            raise ArithmeticError("learning from a target before it is scored")

    def close(self) -> None:
        """Join the scores of all processes.

        Raises:
            ArithmeticError: a target was left out, or two processes scored it.
        """
        self.world.sum(self.nats)
        self.world.sum(self.times)
        if not (self.times == 1).all():
            wrong = int((self.times != 1).sum())
            raise ArithmeticError(f"{wrong} of {len(self.times)} targets not scored once")


class Scorer(Protocol):
    """A way to score a stream: an evaluation, or a method of test-time training.

    Attributes:
        model: the model that gives the scores.
        by_document: whether a document's scores are meant to depend on that document alone.
    """

    model: GPT
    by_document: bool

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        """Score this process's share of the targets, and learn from scored ones at will."""


class Learning(Scorer, Protocol):
    """A method of test-time training."""

    def learned(self) -> dict[str, int]:
        """Return how often something learned, over all processes, which call it together."""


def run_model(model: GPT, batch: Batch, world: World, taps: tuple[Tap, ...] = ()) -> Tensor:
    """Return the negative log likelihood of a batch's targets in nats, (B, S) float32."""
    starts = None if batch.starts is None else batch.starts.to(world.device)
    inputs, targets = batch.inputs.to(world.device), batch.targets.to(world.device)
    # With taps every length of a document would be compiled: that pays for none of them.
    run = model.forward if taps else model
    nll: Tensor = run(inputs, targets, starts, taps, last=targets.size(1))
    return nll


def score_rows(
    model: GPT, stream: ValidationStream, rows: Sequence[Row], sheet: ScoreSheet, tell: Tell
) -> None:
    """Score this process's contiguous share of ``rows`` with the weights as they are."""
    mine, done = share(rows, sheet.world), 0
    device = sheet.world.device.type
    with torch.inference_mode():
        for some in batch_rows(mine, BATCH_TOKENS[device], filled=device == "cuda"):
            batch = stream.batch(some)
            sheet.add(run_model(model, batch, sheet.world), batch.places)
            done += sum(bool(row.windows) for row in some)
            tell(done, len(mine))


def share(rows: Sequence[Row], world: World) -> Sequence[Row]:
    """Return this process's contiguous share, sizes differing by at most one."""
    cuts = [len(rows) * r // world.size for r in range(world.size + 1)]
    return rows[cuts[world.rank] : cuts[world.rank + 1]]


def summarize(
    sheet: ScoreSheet, stream: ValidationStream, dataset: Prepared, config: EvalConfig
) -> dict[str, float]:
    """Return bits per byte and what it was made of, after checking that nothing is amiss.

    Raises:
        ArithmeticError: the bytes are not those of the validation text.
    """
    counted = torch.ones(stream.targets, dtype=torch.bool)
    if config.convention == "skip_special":
        counted = stream.tokens[1:] >= CONTROL_TOKENS
    nats = float(sheet.nats.cpu()[counted].sum(dtype=torch.float64))
    targets = int(counted.sum())
    byte_count = int(stream.token_bytes[1:][counted].sum())
    if stream.whole and byte_count != dataset.val_raw_bytes:
        raise ArithmeticError(f"{byte_count} bytes, {dataset.val_raw_bytes} in the text")
    return {
        "bpb": nats / (math.log(2) * byte_count),
        "loss_nats": nats / targets,
        "scored_targets": float(targets),
        "scored_bytes": float(byte_count),
    }


def scoring_facts(
    geometry: str, stream: ValidationStream, dataset: Prepared, config: EvalConfig
) -> dict[str, object]:
    """Return what a bits-per-byte figure must be read with."""
    return {
        "geometry": geometry,
        "bpb_convention": config.convention,
        "counting": dataset.counting,
        "val_sha256": dataset.val_sha256,
        "whole_split": stream.whole,
    }
