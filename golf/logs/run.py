"""One run of a log: what its lines said, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from golf.logs.lines import Step
from golf.logs.meaning import Kind, Score, pick, split_aliases

UNCOUNTED = ("uncompressed", "raw", "source", "unminified")
PARAMETERS = ("model_params", "num_params", "n_params", "model_parameters")

LONGEST = 18  # digits


@dataclass
class Run:
    """One run of a log; None and "" where the log is silent.

    Attributes:
        settings: what the header said, as printed.
        totals: labels and bytes of every total that was printed.
        sizes: labels and bytes of every serialized model.
        block: autoresearch's closing lines, by name.
        ended: whether something was printed that comes after the last step.
    """

    source: str
    sha256: str
    settings: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    sizes: list[tuple[str, int]] = field(default_factory=list)
    totals: list[tuple[str, int]] = field(default_factory=list)
    code: dict[str, int] = field(default_factory=dict)
    block: dict[str, str] = field(default_factory=dict)
    train_time_ms: float | None = None
    peak_mib: int | None = None
    stopped: str = ""
    ended: bool = False
    averaged: bool = False
    sliding_mode: bool = False
    removed: int = 0
    siblings: int = 1

    @property
    def is_under_way(self) -> bool:
        return bool(self.steps or self.scores)

    @property
    def is_over(self) -> bool:
        """Say whether the training itself has ended."""
        return bool(self.steps and (self.stopped or self.ended))

    def may_take(self, step: Step) -> bool:
        """Say whether a step is of this training; after its end those of test-time training come.

        The last validation may be printed after the line that says why the training stopped.
        """
        if not self.is_over:
            return True
        last = self.steps[-1]
        unsure = not step.of and (self.sizes or self.totals or self.scores)
        return step.of == last.of and step.step >= last.step and not unsure

    def take(self, step: Step) -> None:
        """Add a step; what came before a further one does not describe the finished training."""
        if not self.steps or step.step > self.steps[-1].step:
            self.ended, self.peak_mib = False, None
            for found in (self.scores, self.sizes, self.totals):
                found.clear()
        self.steps.append(step)
        self.train_time_ms = step.train_time_ms or self.train_time_ms

    def number(self, *names: str) -> int | None:
        """Return a whole number of the header."""
        return number_of(self.settings, *names)

    @property
    def seed(self) -> int | None:
        return seed_of(self.settings)

    @property
    def last_step(self) -> int | None:
        return max((s.step for s in self.steps), default=None)

    @property
    def last_validation(self) -> Step | None:
        return next((s for s in reversed(self.steps) if s.validates), None)

    @property
    def final_validation(self) -> Step | None:
        """Return the validation that the training ended with; None for one that broke off."""
        last = self.last_validation
        known = any(s.kind is not Kind.OTHER for s in self.scores)
        finished = self.is_over or known or self.last_step == self.cap
        return last if last and finished and last.step == self.last_step else None

    @property
    def cap(self) -> int | None:
        told = next((s.of for s in reversed(self.steps) if s.of), 0)
        return told or self.number("iterations", "num_iterations")

    def score(self, kind: Kind) -> Score | None:
        """Return the best printed score of a kind."""
        found = pick(split_aliases(self.scores)[0], kind)
        last = self.final_validation
        if kind is not Kind.PRE or found or last is None or last.bpb is None:
            return found
        label = "last_step_eval" + ("_raw_weights" if self.averaged else "")
        return Score(label, Kind.PRE, last.bpb, decimals(last.val_bpb), last.val_loss)

    @property
    def model_bytes(self) -> int | None:
        """Return the bytes of the compressed model: a size that names its coder."""
        named = [size for label, size in self.sizes if label]
        return named[-1] if named else None

    @property
    def code_bytes(self) -> int | None:
        """Return the bytes of the code as it is counted, which is not the raw source."""
        counted = [n for label, n in self.code.items() if label not in UNCOUNTED]
        return counted[-1] if counted else None

    @property
    def artifact(self) -> tuple[str, int] | None:
        """Return label and bytes of the last total of code and compressed model."""
        parts = (self.model_bytes or 0) + (self.code_bytes or 0)
        named = [t for t in self.totals if t[0] or (self.model_bytes and t[1] == parts)]
        return named[-1] if named else None

    @property
    def stop_reason(self) -> str | None:
        if self.stopped:
            return self.stopped
        return "iterations_cap" if self.steps and self.last_step == self.cap else None


def number_of(settings: Mapping[str, str], *names: str) -> int | None:
    """Return the whole number of the first setting that is one."""
    for name in names:
        text = re.sub(r"[_,)\]}'\"]", "", settings.get(name, ""))
        if text.isdecimal() and len(text) <= LONGEST:
            return int(text)
    return None


def seed_of(settings: Mapping[str, str]) -> int | None:
    """Return the seed that a log's header names."""
    return number_of(settings, "seed", "SEED", "random_seed")


def decimals(text: str) -> int:
    """Return the digits after the point."""
    return len(text.partition(".")[2].partition("e")[0])


def curve_of(run: Run) -> dict[str, Sequence[float]] | None:
    """Return steps, training losses and seconds of the lines that have a training loss."""
    points = [s for s in run.steps if s.train_loss is not None]
    if len(points) < 2:
        return None
    curve: dict[str, Sequence[float]] = {
        "step": [s.step for s in points],
        "loss": [s.train_loss for s in points if s.train_loss is not None],
    }
    times = [s.train_time_ms for s in points if s.train_time_ms is not None]
    if len(times) == len(points):
        curve["train_s"] = [t / 1000 for t in times]
    return curve
