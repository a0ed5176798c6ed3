"""Learning rate and momentum over the course of a training; pure functions of progress."""

from __future__ import annotations

from golf.config.schema.train import OptimConfig, TrainConfig


def lr_multiplier(config: TrainConfig, done: float, step_share: float) -> float:
    """Return the factor on every learning rate.

    Args:
        config: warm-up and warmdown as shares of the budget; ``min_lr`` is a floor.
        done: share of the budget that is used up before this step.
        step_share: share of the budget that one step takes.
    """
    rise = fall = 1.0
    if config.warmup_frac:
        rise = min(1.0, (done + step_share) / config.warmup_frac)
    if config.warmdown_frac:
        fall = min(1.0, max((1.0 - done) / config.warmdown_frac, config.min_lr))
    return rise * fall


def muon_momentum(config: OptimConfig, step: int) -> float:
    """Return Muon's momentum at ``step``; it rises linearly over its warm-up."""
    if not config.muon_momentum_steps:
        return config.muon_momentum
    share = min(step / config.muon_momentum_steps, 1.0)
    return config.muon_momentum_start + share * (config.muon_momentum - config.muon_momentum_start)
