"""The course of learning rate and momentum, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.config.schema.train import OptimConfig, TrainConfig
from golf.optim.schedule import (
    Progress,
    decay_multiplier,
    lr_multiplier,
    muon_momentum,
    rates_at,
)

SHARES = st.floats(0, 1)
SHAPES, MODES = st.sampled_from(["linear", "cosine"]), st.sampled_from(["floor", "interpolate"])


def course(steps: int = 10, **changes: float | str) -> list[float]:
    """Return the multiplier of every step of a training."""
    config = TrainConfig(**{"warmup_frac": 0.0, "warmdown_frac": 0.0, "min_lr": 0.0, **changes})
    return [lr_multiplier(config, i / steps, 1 / steps) for i in range(steps)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [1] * 10),
        ({"warmdown_frac": 0.5}, [1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2]),
        ({"warmdown_frac": 1.0}, [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        ({"warmdown_frac": 0.5, "min_lr": 0.5}, [1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.5, 0.5]),
        ({"warmdown_frac": 0.5, "min_lr": 1.0}, [1] * 10),
        ({"warmup_frac": 0.4}, [0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1]),
        ({"warmup_frac": 0.2, "warmdown_frac": 0.4}, [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]),
        (
            {"warmdown_frac": 0.5, "min_lr": 0.5, "min_lr_mode": "interpolate"},
            [1, 1, 1, 1, 1, 1, 0.9, 0.8, 0.7, 0.6],
        ),
        ({"warmdown_steps": 4}, [1, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]),
        ({"warmdown_steps": 20}, [0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05]),
        ({"warmdown_steps": 20, "min_lr": 0.4}, [0.5, 0.45] + [0.4] * 8),
        (
            {"warmdown_frac": 0.4, "warmdown_shape": "cosine"},
            [1, 1, 1, 1, 1, 1, 1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2],
        ),
        (
            {"warmdown_frac": 0.4, "warmdown_shape": "cosine", "min_lr": 0.5},
            [1, 1, 1, 1, 1, 1, 1, (1 + 0.5**0.5) / 2, 0.5, 0.5],
        ),
        ({"min_lr": 0.5}, [1] * 10),
        ({"warmup_frac": 0.05}, [1] * 10),
    ],
    ids=str,
)
def test_the_learning_rate_rises_stays_and_falls_in_straight_lines(
    changes: dict[str, float | str], expected: list[float]
) -> None:
    assert course(**changes) == pytest.approx(expected)


def test_with_a_clock_warmdown_takes_so_many_mean_steps_as_it_has_measured() -> None:
    """600 s, 0.6 s a step: 100 steps are the last minute, 1200 start to fall at once."""
    late, early = (TrainConfig(warmdown_frac=0.0, warmdown_steps=n) for n in (100, 1200))
    share = 0.6 / 600
    assert [lr_multiplier(late, t / 600, share) for t in (300, 539, 570, 594)] == pytest.approx(
        [1, 1, 0.5, 0.1]
    )
    assert lr_multiplier(early, 0.0, 0.0) == 1.0  # nothing is measured before the first step
    assert lr_multiplier(early, share, share) == pytest.approx(599.4 / 720)
    assert lr_multiplier(late, 0.5, 10 * share) == pytest.approx(0.5)  # a slow start


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [1, 1, 1, 1]),
        ({"muon_wd_taper_start": 0.0}, [1, 0.75, 0.5, 0]),
        ({"muon_wd_taper_start": 0.5, "muon_wd_taper_end": 0.5}, [1, 1, 1, 0.5]),
        ({"muon_wd_taper_start": 0.25, "muon_wd_taper_end": 0.25}, [1, 1, 0.75, 0.25]),
    ],
    ids=str,
)
def test_decay_tapers_in_a_straight_line(changes: dict[str, float], expected: list[float]) -> None:
    config = OptimConfig(**changes)
    assert [decay_multiplier(config, f) for f in (0, 0.25, 0.5, 1)] == pytest.approx(expected)


def test_a_step_is_taken_with_the_rates_of_its_place() -> None:
    train = TrainConfig(warmdown_frac=0.5)
    optim = OptimConfig(
        muon_momentum=0.9, muon_momentum_start=0.5, muon_momentum_steps=8, muon_wd_taper_start=0.5
    )
    found = rates_at(train, optim, Progress(6, 0.75, 0.125))
    assert (found.lr, found.momentum, found.decay) == pytest.approx((0.5, 0.8, 0.5))


def test_a_spent_budget_leaves_the_floor() -> None:
    config = TrainConfig(warmdown_frac=0.5, min_lr=0.1)
    assert lr_multiplier(config, 1.0, 0.1) == pytest.approx(0.1)
    assert lr_multiplier(TrainConfig(warmdown_frac=0.5), 1.0, 0.1) == 0.0


@given(SHARES, SHARES, SHARES, SHARES, SHARES, SHAPES, MODES)
def test_the_factor_stays_within_zero_and_one(
    warmup: float, warmdown: float, min_lr: float, done: float, share: float, shape: str, mode: str
) -> None:
    config = TrainConfig(
        warmup_frac=warmup, warmdown_frac=warmdown, min_lr=min_lr, warmdown_shape=shape,
        min_lr_mode=mode,
    )  # fmt: skip
    assert 0.0 <= lr_multiplier(config, done, share) <= 1.0


@given(st.floats(0.01, 1), SHARES, st.integers(2, 50), SHAPES, MODES)
def test_without_a_warmup_the_factor_never_rises(
    warmdown: float, min_lr: float, steps: int, shape: str, mode: str
) -> None:
    changes = {"warmdown_shape": shape, "min_lr_mode": mode, "min_lr": min_lr}
    made = course(steps, warmdown_frac=warmdown, **changes)
    assert made[0] == 1.0
    assert made == sorted(made, reverse=True)
    assert min(made) >= min_lr


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.85), (25, 0.875), (50, 0.9), (100, 0.95), (101, 0.95), (9999, 0.95)],
)
def test_momentum_rises_in_a_straight_line_and_stays(step: int, expected: float) -> None:
    config = OptimConfig(muon_momentum=0.95, muon_momentum_start=0.85, muon_momentum_steps=100)
    assert muon_momentum(config, step) == pytest.approx(expected)


def test_no_momentum_warmup_starts_at_the_final_value() -> None:
    config = OptimConfig(muon_momentum=0.9, muon_momentum_start=0.1, muon_momentum_steps=0)
    assert [muon_momentum(config, s) for s in (0, 1, 50)] == [0.9, 0.9, 0.9]
