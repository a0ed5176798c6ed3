"""What is known of trained weights before any training: how they differ from normal rows.

The weights of a trained matrix, divided by their row's standard deviation, are nearly normal; the
figures here are for where they are not. They were measured on trainings of the quickstart and of
the studies' small profiles; `benchmarks/size.py` prints the same figures for any folder of runs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from golf.config.kinds import Kind
from golf.plan.size.grid import alike_bits, normal_bits, uniform_bits
from golf.plan.size.kinds import Grid, Spec, moved_variance, start_variance

REFERENCE = Grid(6 / 127, 127)  # int8 at six sigma: where the figures below were measured
TOKENS = "embed_VC"
UNIFORM = ("uniform", "kaiming")
VOCABULARY, WIDTH = 1024, 64  # ... and in tables of this size; larger ones have less likeness
HEAD_SAVED, HEAD_SHAPE, RARER = (
    1.65,
    -0.08,
    0.4,
)  # bits per entry in a head of its own, zero at first
TIED_SAVED, TIED_RATE = 0.6, 0.2  # tied: so many at this rate of Adam,
TIED_PER_RATE, TIED_PER_SIZE = (
    0.28,
    0.19,
)  # more per octave below it, and less per octave of entries
WIDE, WIDE_SAVED = 1 << 16, 0.05  # an MLP's outputs, zero at first: columns of different sizes
TABLE_SAVED = 0.15  # a token table beside a head of its own
PARENT_BITS = 12.8  # what naming a row's parent and factor takes, compressed
EARLY, EARLY_STEPS = -0.5, 60.0  # a table beside a head: few rows have moved, by Adam's full rate
TABLE_DOUBT, SELDOM = 0.25, 100.0  # doubled where a row is met less often than this
CLIP_DOUBT = 0.06  # where the ends of the grid follow the largest weights
GPTQ_BITS = 0.07  # what GPTQ's compensation adds to an entry, times the squared step


class Excess(NamedTuple):
    """Bits per entry that differ from those of a normal row on the same grid.

    Attributes:
        shape: more entropy in the codes themselves, which every compressor pays.
        saved: by rows that repeat others, and by rows stored as differences from similar ones,
            which golf's coder alone does.
        doubt: standard deviation over trainings of what they come to.
    """

    shape: float
    saved: float
    doubt: float


def cold_excess(kind: Kind, grid: Grid, training: Spec, quant: Spec, steps: float | None) -> Excess:
    """Return what to expect of a kind of matrix.

    Args:
        kind: the matrices.
        grid: that they are rounded on.
        training: the knobs of the training.
        quant: the knobs of the quantization.
        steps: optimizer steps; None where only the clock knows.
    """
    lack = uniform_bits(*grid) - normal_bits(*grid)
    shape = _uniform_share(kind, training, steps) ** 2 * lack + _table_shape(kind, training, steps)
    if quant["quant.method"] == "gptq" and kind.group == "matrix":
        shape += GPTQ_BITS * grid.step**2
    copied = kind.copies / kind.rows * normal_bits(*grid)
    likeness, doubt = _likeness(kind, training)
    scale = alike_bits(*grid) / alike_bits(*REFERENCE)
    saved = max(likeness * scale - PARENT_BITS / kind.columns, 0.0) + _uneven(kind)
    saved = copied + saved if quant["quant.compressor"] == "ans" else copied
    doubt = doubt * scale + (0.0 if quant.get("quant.clip", "sigma") == "sigma" else CLIP_DOUBT)
    if steps is None:
        doubt += abs(lack) if kind.start in UNIFORM else 0.0
    return Excess(shape, saved, doubt)


def _uneven(kind: Kind) -> float:
    """Return bits that an entry saves by the different sizes of its matrix's columns."""
    outputs = kind.bucket == "mlp" and kind.start == "zero"
    return WIDE_SAVED if outputs and kind.rows * kind.columns >= WIDE else 0.0


def _uniform_share(kind: Kind, training: Spec, steps: float | None) -> float:
    """Return the share of a matrix's variance that is still its uniform start."""
    if kind.start not in UNIFORM or steps is None or kind.group != "matrix":
        return 0.0
    start = start_variance(kind)
    return start / (start + moved_variance(kind, training, steps))


def _table_shape(kind: Kind, training: Spec, steps: float | None) -> float:
    """Return bits by which the entries of a table differ from normal ones."""
    if kind.group == "head":
        return HEAD_SHAPE
    early = kind.group == "embed" and not training["model.tied"] and kind.kind == TOKENS
    return EARLY * math.exp(-steps / EARLY_STEPS) if early and steps else 0.0


def _likeness(kind: Kind, training: Spec) -> tuple[float, float]:
    """Return what similar rows save at the reference, and the doubt in all about this kind."""
    rarer = (VOCABULARY / max(kind.rows, 1)) ** RARER
    unsure = TABLE_DOUBT * rarer * (2 if _read_per_row(kind, training) < SELDOM else 1)
    if kind.group == "head":
        return HEAD_SAVED * rarer, unsure
    if kind.group != "embed":
        return 0.0, 0.05 if kind.start == "zero" else 0.02
    if kind.kind != TOKENS:
        return 0.0, 0.05
    if not training["model.tied"]:
        return TABLE_SAVED * rarer, 0.1
    slower = math.log2(TIED_RATE / max(float(training["optim.embed_lr"]), 1e-6))
    larger = math.log2(max(kind.rows * kind.columns, 1) / (VOCABULARY * WIDTH))
    saved = TIED_SAVED + TIED_PER_RATE * slower - TIED_PER_SIZE * larger
    return min(max(saved, 0.1), 2.0), unsure


def _read_per_row(kind: Kind, training: Spec) -> float:
    """Return how many training tokens there are for each row of a table; many where not known."""
    steps = training.get("train.steps")
    tokens = float(training["train.batch_tokens"]) * float(steps) if steps else math.inf
    return tokens / max(kind.rows, 1)


def fp16_bytes(entries: float, steps: float | None) -> float:
    """Return the bytes of parameters that pass through, most of which start out alike.

    After n steps of Adam a vector that started as ones holds a few more values than n.
    """
    bits = 15.5 if steps is None else min(15.5, 1.7 * math.log2(1 + steps))
    return entries * bits / 8
