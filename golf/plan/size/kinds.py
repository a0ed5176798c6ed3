"""The grid that each kind of matrix is rounded on, and how large its weights are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from golf.config.coding import levels
from golf.config.kinds import Kind
from golf.plan.size.grid import largest, searched

Spec = Mapping[str, Any]
GATE_BITS = 8
WARMDOWNS = 3.0  # that a training is taken to last where only the clock knows its steps
ALIKE = 10.0  # steps of Muon that have much the same direction
TURNS = 6.0  # steps of Adam at the full rate that an entry of a table is away from 0


class Grid(NamedTuple):
    """Where a row is rounded: step in standard deviations, largest integer, clip in the same."""

    step: float
    most: int


def grid_of(bucket: str, columns: int, quant: Spec, deviation: float) -> Grid:
    """Return the grid of a bucket's rows.

    Args:
        bucket: of the quantizer.
        columns: entries of a row.
        quant: the knobs of the quantization.
        deviation: standard deviation of a row, which the floor under steps is held against.
    """
    if bucket == "gate":
        return Grid(largest(columns, 1.0) / levels(GATE_BITS), levels(GATE_BITS))
    bits = int(quant.get(f"quant.{bucket}_bits") or quant["quant.bits"])
    rule = quant.get("quant.clip", "sigma")
    if rule == "search":
        end = searched(columns, bits)
    elif rule == "percentile":
        end = largest(columns, quant["quant.clip_percentile"] / 100)
    else:
        end = float(quant.get(f"quant.{bucket}_clip_sigmas") or quant["quant.clip_sigmas"])
    floor = quant.get("quant.scale_floor", 0.0)
    return Grid(max(end / levels(bits), floor / deviation), levels(bits))


def deviation_of(kind: Kind, training: Spec, steps: float | None) -> float:
    """Return about what the standard deviation of a row is, for lack of the weights.

    Where steps are unknown but those of the warmdown are given, there are taken to be WARMDOWNS
    times as many: a floor under scales asks how large weights become, not when.
    """
    if kind.group == "embed":
        moved = TURNS * float(training["optim.embed_lr"])
        return max(float(training["model.embed_init_std"]), moved)
    falling = training.get("train.warmdown_steps")
    steps = WARMDOWNS * falling if steps is None and falling else steps
    return math.sqrt(max(start_variance(kind) + moved_variance(kind, training, steps), 1e-12))


def start_variance(kind: Kind) -> float:
    """Return the variance of an inner matrix's entries at the start."""
    shares = {
        "zero": 0.0,
        "kaiming": 1 / 3,
        "orthogonal": kind.columns / max(kind.rows, kind.columns),
    }
    return shares.get(kind.start, 1.0) / kind.columns


def moved_variance(kind: Kind, training: Spec, steps: float | None) -> float:
    """Return the variance of what Muon has added to a matrix; 1 / columns after unknown steps.

    A step has the root mean square lr sqrt(max(1, out / in) / max(out, in)). The first ones have
    much the same direction, later ones wander; decay takes back what is old.
    """
    if steps is None:
        return 1 / kind.columns
    size = max(1.0, kind.rows / kind.columns) / max(kind.rows, kind.columns)
    rate = float(training["optim.matrix_lr"])
    full = full_steps(training, steps)
    forgotten = 2 * rate * float(training.get("optim.muon_wd") or 0.0) * full
    lasting = full * (-math.expm1(-forgotten) / forgotten if forgotten else 1.0)
    return rate**2 * size * min(full**2, ALIKE * lasting)


def full_steps(training: Spec, steps: float) -> float:
    """Return to how many steps at the full rate a training comes, its warmdown taken as a line.

    Warm-up, least rates and other shapes change little of it and are left out.
    """
    falling = float(training.get("train.warmdown_steps") or 0)
    falling = falling or float(training.get("train.warmdown_frac") or 0.0) * steps
    return steps - falling / 2 if falling <= steps else steps**2 / (2 * falling)
