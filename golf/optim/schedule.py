"""Learning rate, momentum and decay over the course of a training; pure functions of progress."""

from __future__ import annotations

import math
from dataclasses import dataclass

from golf.config.schema.train import OptimConfig, TrainConfig


@dataclass(frozen=True)
class Progress:
    """Where a training stands before a step.

    Attributes:
        step: optimizer steps taken.
        done: share of the budget that is used up.
        step_share: share of the budget that one step takes; with a budget in seconds the mean
            so far, 0 before the first step.
    """

    step: int
    done: float
    step_share: float


@dataclass(frozen=True)
class Rates:
    """What one step is taken with.

    Attributes:
        lr: factor on every learning rate.
        momentum: of the matrices.
        decay: factor on the weight decay of the matrices.
    """

    lr: float
    momentum: float
    decay: float = 1.0


def rates_at(train: TrainConfig, optim: OptimConfig, now: Progress) -> Rates:
    """Return the rates of the step that follows ``now``."""
    return Rates(
        lr_multiplier(train, now.done, now.step_share),
        muon_momentum(optim, now.step),
        decay_multiplier(optim, now.done),
    )


def lr_multiplier(config: TrainConfig, done: float, step_share: float) -> float:
    """Return the factor on every learning rate.

    Warmdown takes a share of the budget, or a number of steps: with a budget in seconds so many
    mean steps, by the clock so far. ``min_lr`` is a floor under the factor, or its last value.
    """
    rise = fall = 1.0
    if config.warmup_frac:
        rise = min(1.0, (done + step_share) / config.warmup_frac)
    window = config.warmdown_frac or (config.warmdown_steps or 0) * step_share
    if window:
        left = min(1.0, (1.0 - done) / window)
        if config.warmdown_shape == "cosine":
            left = 0.5 * (1.0 + math.cos(math.pi * (1.0 - left)))
        interpolated = config.min_lr + (1.0 - config.min_lr) * left
        floored = max(left, config.min_lr)
        fall = interpolated if config.min_lr_mode == "interpolate" else floored
    return rise * fall


def muon_momentum(config: OptimConfig, step: int) -> float:
    """Return Muon's momentum at ``step``; it rises linearly over its warm-up."""
    if not config.muon_momentum_steps:
        return config.muon_momentum
    share = min(step / config.muon_momentum_steps, 1.0)
    return config.muon_momentum_start + share * (config.muon_momentum - config.muon_momentum_start)


def decay_multiplier(config: OptimConfig, done: float) -> float:
    """Return the factor on Muon's decay: 1 until the taper starts, then a straight line."""
    start = config.muon_wd_taper_start
    if start is None or done <= start:
        return 1.0
    return 1.0 - (1.0 - config.muon_wd_taper_end) * (done - start) / (1.0 - start)
