"""A log to runs: every number that is in it, and nothing that is not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from golf.logs import lines as grammar
from golf.logs.lines import Step, parse_score, parse_settings, parse_step, parse_time, whole
from golf.logs.meaning import SLIDING, Kind, Score, kind_of, pick, split_aliases
from golf.logs.summary import read_block
from golf.logs.text import clean_lines, read_text

AVERAGING = re.compile(r"\s*(?:ema|swa)\w*\s*:\s*applying", re.I)
DEVICE = re.compile(r"(NVIDIA [A-Z]+[\w-]*(?: [\w-]+)*?)\s{2,}")
TORCH = re.compile(r"PyTorch\s+(\d[\w.+]*)")
UNCOUNTED = ("uncompressed", "raw", "source", "unminified")
PARAMETERS = ("model_params", "num_params", "n_params", "model_parameters")


@dataclass
class Run:
    """One run of a log; None and "" where the log is silent.

    Attributes:
        settings: what the header said, as printed.
        totals: labels and bytes of every total that was printed.
        sizes: labels and bytes of every serialized model.
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
    train_time_ms: float | None = None
    peak_mib: int | None = None
    stopped: str = ""
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
        return bool(self.steps and (self.stopped or self.peak_mib or self.totals or self.sizes))

    def number(self, *names: str) -> int | None:
        """Return a whole number of the header."""
        for name in names:
            text = self.settings.get(name, "").replace("_", "").replace(",", "")
            if text.isdigit():
                return int(text)
        return None

    @property
    def seed(self) -> int | None:
        return self.number("seed", "SEED", "random_seed")

    @property
    def last_step(self) -> int | None:
        return max((s.step for s in self.steps), default=None)

    @property
    def last_validation(self) -> Step | None:
        return next((s for s in reversed(self.steps) if s.val_bpb), None)

    @property
    def cap(self) -> int | None:
        told = self.steps[-1].of if self.steps else 0
        return told or self.number("iterations", "num_iterations")

    def score(self, kind: Kind) -> Score | None:
        """Return the best printed score of a kind."""
        found = pick(split_aliases(self.scores)[0], kind)
        last = self.last_validation
        if kind is not Kind.PRE or found or last is None or last.step != self.last_step:
            return found
        label = "last_step_eval" + ("_raw_weights" if self.averaged else "")
        return Score(label, Kind.PRE, float(last.val_bpb), decimals(last.val_bpb), last.val_loss)

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


def decimals(text: str) -> int:
    """Return the digits after the point."""
    return len(text.partition(".")[2].partition("e")[0])


def read_log(path: Path) -> list[Run]:
    """Return the runs of a log, in order; empty when nothing in it looks like one.

    Raises:
        GolfError: the file cannot be read.
    """
    return parse_log(read_text(path), str(path))


def parse_log(text: str, source: str) -> list[Run]:
    """Return the runs of a log's text."""
    lines, removed = clean_lines(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    runs = [Run(source, digest)]
    for line in lines:
        if _starts_anew(line, runs[-1]):
            runs.append(Run(source, digest))
        _read_line(line, runs[-1])
    if block := read_block(lines):
        _add_block(block, runs[-1])
    found = [r for r in runs if r.is_under_way or r.totals]
    for run in found:
        run.siblings, run.removed = len(found), removed
    return found


def _add_block(block: Mapping[str, str], run: Run) -> None:
    """Add what autoresearch prints at the end; nothing there was quantized."""
    bpb, steps = block["val_bpb"], int(float(block["num_steps"]))
    run.scores.append(Score("val_bpb", Kind.PRE, float(bpb), decimals(bpb)))
    run.steps.append(Step(steps, 0))
    if "training_seconds" in block:
        run.train_time_ms = float(block["training_seconds"]) * 1000
    if "peak_vram_mb" in block:
        run.peak_mib = round(float(block["peak_vram_mb"]))


def _starts_anew(line: str, run: Run) -> bool:
    """Say whether a line belongs to the next run of the file: a header, or steps from the start."""
    if not run.is_under_way:
        return False
    step = parse_step(line)
    if step:
        again = run.is_over and step.of == run.cap
        return bool(run.steps) and step.step < run.steps[-1].step and (again or not run.is_over)
    return bool(grammar.NEW_RUN.match(line))


def _read_line(line: str, run: Run) -> None:
    step = parse_step(line)
    if step and run.is_over:
        return  # of test-time training, not of the training
    if step:
        run.steps.append(step)
        run.train_time_ms = step.train_time_ms or run.train_time_ms
    elif not (_read_size(line, run) or _read_end(line, run)):
        told = parse_score(line)
        if told:
            label, bpb, loss = told
            kind = kind_of(label + (" stride" if "stride" in line else ""), run.sliding_mode)
            run.scores.append(Score(label, kind, float(bpb), decimals(bpb), loss))
            run.sliding_mode = run.sliding_mode and not SLIDING.search(label.lower())
        elif grammar.SLIDING_MODE.search(line):
            run.sliding_mode = True
        elif not run.steps:
            _read_header(line, run)


def _read_header(line: str, run: Run) -> None:
    device, torch = DEVICE.search(line), TORCH.search(line)
    if device:
        run.environment.setdefault("device", device[1])
    if torch:
        run.environment["torch"] = torch[1]
    if "|" not in line:
        for name, value in parse_settings(line).items():
            run.settings.setdefault(name, value)


def _read_size(line: str, run: Run) -> bool:
    for pattern, kept in (
        (grammar.MODEL_SIZE, run.sizes),
        (grammar.TOTAL_SIZE, run.totals),
        (grammar.ARTIFACT_SIZE, run.totals),
    ):
        found = pattern.search(line)
        if found:
            kept.append((found[1].strip(" _()"), whole(found[2])))
            return True
    code, budget, part = (
        p.search(line) for p in (grammar.CODE_SIZE, grammar.BUDGET, grammar.CODE_PART)
    )
    if code:
        run.code[code[1].strip(" ()").lower()] = whole(code[2])
    elif budget:
        run.totals.append(("budget_line", whole(budget[1])))
    elif part and line.lstrip().startswith("artifact"):
        run.code["part"] = whole(part[1])
    return bool(code or budget)


def _read_end(line: str, run: Run) -> bool:
    stop, peak = grammar.STOP.search(line), grammar.PEAK.search(line)
    if stop:
        run.stopped = stop[1]
        run.train_time_ms = parse_time(line) or run.train_time_ms
    if peak:
        run.peak_mib = int(peak[1])
    if AVERAGING.match(line):
        run.averaged = True
    return bool(stop or peak)


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
