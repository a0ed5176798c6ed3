"""What a report is made from, wherever it comes from: rows, their cells, and their settings.

A study is made from a plan and its results, from a tidy file, or from imported logs; tables,
findings, pictures and pages know only this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple

from golf.frozen import Frozen

if TYPE_CHECKING:
    from golf.plan.sequential import Ruled

TRAIN_MEASURES = (
    "steps", "tokens", "parameters", "flops_per_token", "train_s", "step_ms", "tokens_per_s",
    "peak_memory_mb",
)  # fmt: skip
ARTIFACT_MEASURES = ("artifact_bytes", "model_bytes", "code_bytes")
SCORES = ("pre_bpb", "post_bpb", "ttt_bpb")
HEADINGS = {"pre_bpb": "Pre-quant", "post_bpb": "Post-quant", "ttt_bpb": "Post-TTT"}
SAID = {"pre_bpb": "pre-quant", "post_bpb": "post-quant", "ttt_bpb": "post-TTT"}
# What is the same for all rows under a budget.
EQUAL = {"seconds": "equal time", "steps": "equal steps", "tokens": "equal tokens"}
COUNTS = ("scored_bytes", "scored_targets")
CLOCKS = ("eval_s", "quantize_s", "ttt_s")
MEASURES = (*TRAIN_MEASURES, *ARTIFACT_MEASURES, *COUNTS, *CLOCKS, *SCORES)

# What must be equal for two scores to be comparable, and how a reader calls it.
CONDITIONS = {
    "device": "device",
    "world_size": "number of processes",
    "golf": "golf version",
    "torch": "torch version",
    "python": "Python version",
    "commit": "commit",
    "dirty": "uncommitted changes",
    "bpb_convention": "bits-per-byte convention",
    "counting": "way of counting bytes",
    "val_sha256": "validation text",
    "val_tokens": "number of validation tokens",
    "tokenizer": "tokenizer",
}

# Of a line whose source names no seed: its number there is made up and pairs it with nothing.
SEEDLESS = "seedless"

# Of a line whose source prints its artifact in MB or MiB alone: a Rounded.
ROUNDED_SIZE = "rounded_size"
MARKS = (SEEDLESS, ROUNDED_SIZE)  # what lines say to a report alone

Line = Mapping[str, Any]


class Rounded(NamedTuple):
    """A size that was printed rounded: bytes, and by how many it may be off."""

    size: float
    off: float


class StudyRow(Frozen):
    """A row's words and settings.

    Attributes:
        change: what it changes, in the user's own words.
        parent: the row that deltas are taken against; "" for a baseline.
        expect, why: what was expected and how the outcome is explained.
        status: what a greedy search did with it, where the source says so.
        settings: the whole configuration, as far as it is known.
        own: settings in which the row differs from its parent.
        scores: the SCORES that the row is to have; () where only its lines can tell.
    """

    name: str
    change: str = ""
    parent: str = ""
    note: str = ""
    expect: str = ""
    why: str = ""
    priority: str = ""
    tags: str = ""
    status: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    scores: tuple[str, ...] = ()


class Curve(Frozen):
    """A training curve; each list has a value per point.

    Attributes:
        loss: training loss, nats per token.
        seconds: seconds of training; empty when unknown.
        tokens: training tokens; empty when unknown.
    """

    steps: Sequence[float]
    loss: Sequence[float]
    seconds: Sequence[float] = ()
    tokens: Sequence[float] = ()


def no_curve(row: str, seed: int) -> Curve | None:
    """Return nothing: a source without curves."""
    return None


class Failure(Frozen):
    """A node that crashed."""

    row: str
    seed: int
    stage: str
    error: str


class Study(Frozen):
    """Everything a report may say.

    Attributes:
        lines: one per row and seed: ``row``, ``seed``, ``complete``, the MEASURES (None when
            missing), a pair ``pre_bpb NAME``, ``post_bpb NAME`` for each further geometry, the
            SCORES, ``steps`` and ``train_s`` of the second budget with its name behind each, and
            the CONDITIONS that are known, SEEDLESS and ROUNDED_SIZE.
        header: facts above the table.
        commands: how to repeat it.
        notes: what a reader must know about the source.
        decisions: how the waves of the matrix ended.
        budgets: the two budgets that every row ran under, the leading one first; () for one.
        others: further columns of the lines that hold measures.
        ruled: what the matrix's rule for seeds says; None without one.
        margin: the difference in bits per byte that equivalence is tested against.
        scoring: how each score came about, lines of ``golf.report.scoring.COLUMNS``.
        curve: the training curve of a row and seed, read when asked for.
    """

    name: str
    rows: tuple[StudyRow, ...]
    lines: tuple[Line, ...]
    question: str = ""
    header: Mapping[str, str] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    ruled: Ruled | None = None
    margin: float | None = None
    scoring: tuple[tuple[str, ...], ...] = ()
    wallclock_budget: bool = False
    curve: Callable[[str, int], Curve | None] = no_curve

    @property
    def missing(self) -> int:
        return sum(not line["complete"] for line in self.lines)

    @property
    def is_empty(self) -> bool:
        """Say whether there is not a single score."""
        return all(line.get(s) is None for line in self.lines for s in SCORES)


def column_of(measure: str) -> str:
    """Return the score that a matrix file calls ``pre``, ``post`` or ``ttt``."""
    return f"{measure}_bpb"


def is_score(column: str) -> bool:
    """Say whether a column holds bits per byte: one of the SCORES, or of a further geometry."""
    return column.partition(" ")[0] in SCORES


def geometries(lines: Sequence[Line]) -> list[str]:
    """Return the columns of further geometries, in order."""
    names = dict.fromkeys(n for line in lines for n in line)
    return [n for n in names if is_score(n) and n not in SCORES]
