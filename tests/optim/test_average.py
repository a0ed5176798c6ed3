"""Averages of the weights against their closed forms."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.config.schema.train import TrainConfig
from golf.optim.average import LastWeights, build_average
from golf.optim.schedule import Progress


def draw(count: int) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    shapes = {"a": (3, 4), "b": (5,), "c": ()}
    return [
        {n: torch.randn(s, generator=generator) for n, s in shapes.items()} for _ in range(count)
    ]


def follow(
    start: dict[str, Tensor],
    steps: list[dict[str, Tensor]],
    lrs: list[float] | None = None,
    **config: object,
) -> LastWeights:
    """Return the average after a training from ``start`` through the weights ``steps``."""
    average = build_average(TrainConfig(**config), start)
    for i, tensors in enumerate(steps):
        before = Progress(i, i / len(steps), 1 / len(steps))
        average.update(tensors, before, lrs[i] if lrs else 1.0)
    return average


def averaged(
    start: dict[str, Tensor], steps: list[dict[str, Tensor]], **config: object
) -> dict[str, Tensor]:
    return follow(start, steps, **config).result(steps[-1])


def assert_mean(
    found: dict[str, Tensor], shares: list[float], tensors: list[dict[str, Tensor]]
) -> None:
    for name, value in found.items():
        pairs = zip(shares, tensors, strict=True)
        expected = sum(s / sum(shares) * step[name].double() for s, step in pairs)
        torch.testing.assert_close(value.double(), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("decay", [0.5, 0.9, 0.997])
def test_debiased_weights_fall_geometrically_and_sum_to_one(count: int, decay: float) -> None:
    start, *steps = draw(1 + count)
    shares = [(1 - decay) * decay ** (count - 1 - k) for k in range(count)]
    assert_mean(averaged(start, steps, ema_decay=decay), shares, steps)


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("decay", [0.5, 0.9, 0.997])
def test_the_raw_average_keeps_its_share_of_the_initial_weights(count: int, decay: float) -> None:
    start, *steps = draw(1 + count)
    shares = [decay**count, *((1 - decay) * decay ** (count - 1 - k) for k in range(count))]
    found = averaged(start, steps, ema_decay=decay, ema_debias=False)
    assert sum(shares) == pytest.approx(1)
    assert_mean(found, shares, [start, *steps])


def test_a_late_debiased_average_knows_the_later_steps_only() -> None:
    start, *steps = draw(9)
    found = averaged(start, steps, ema_decay=0.8, ema_start=0.5)
    assert_mean(found, [0.8**3, 0.8**2, 0.8, 1.0], steps[4:])


def test_a_late_raw_average_starts_from_the_weights_that_it_meets_first() -> None:
    start, *steps = draw(9)
    found = averaged(start, steps, ema_decay=0.8, ema_start=0.5, ema_debias=False)
    assert_mean(found, [0.8**3, 0.2 * 0.8**2, 0.2 * 0.8, 0.2], steps[4:])


def test_stochastic_averaging_is_the_mean_of_every_nth_step_at_a_low_rate() -> None:
    start, *steps = draw(13)
    lrs = [0.1, 1, 1, 1, 1, 1, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]  # the first one is warm-up
    average = follow(start, steps, lrs, swa_start=0.5, swa_every=2, warmup_frac=0.1)
    assert_mean(average.result(steps[-1]), [1.0, 1.0], [steps[9], steps[11]])


NONE_YET = [
    {"ema_decay": 0.9, "ema_start": 0.99},
    {"ema_decay": 0.9, "ema_start": 0.99, "ema_debias": False},
    {"swa_start": 0.5, "swa_every": 1},
    {},
]


@pytest.mark.parametrize("config", NONE_YET, ids=str)
def test_where_nothing_was_collected_the_last_weights_are_exported(
    config: dict[str, object],
) -> None:
    start, *steps = draw(5)
    found = averaged(start, steps, **config)
    assert all(torch.equal(found[n], steps[-1][n]) for n in start)


KINDS = [
    {"ema_decay": 0.9},
    {"ema_decay": 0.9, "ema_debias": False},
    {"ema_decay": 0.9, "ema_debias": False, "ema_start": 0.4},
    {"swa_start": 1.0, "swa_every": 2},
    {},
]
EACH = pytest.mark.parametrize("config", KINDS, ids=str)


@EACH
@pytest.mark.parametrize("count", [1, 3, 850])
def test_the_average_of_a_constant_is_that_constant(config: dict[str, object], count: int) -> None:
    (constant,) = draw(1)
    for name, found in averaged(constant, [constant] * count, **config).items():
        torch.testing.assert_close(found, constant[name], atol=1e-4, rtol=1e-4)


@EACH
def test_later_changes_of_the_weights_do_not_reach_back(config: dict[str, object]) -> None:
    start, tensors, last = draw(3)
    average = follow(start, [tensors, tensors], lrs=[0.0, 0.0], **config)
    before = average.result(last)
    for t in (*tensors.values(), *start.values()):
        t.fill_(100.0)
    after = average.result(last)
    assert all(torch.equal(t, after[n]) for n, t in before.items())


def test_the_exported_weights_are_copies() -> None:
    (tensors,) = draw(1)
    exported = LastWeights().result(tensors)
    tensors["a"].fill_(100.0)
    assert exported["a"].max() < 100


@EACH
@pytest.mark.parametrize("done", [0, 1, 3, 4])
def test_an_average_goes_on_from_its_state_to_the_bit(config: dict[str, object], done: int) -> None:
    start, *steps = draw(7)
    progress = [Progress(i, i / 6, 1 / 6) for i in range(6)]
    straight = build_average(TrainConfig(**config), start)
    for i in range(done):
        straight.update(steps[i], progress[i], 0.5)
    resumed = build_average(TrainConfig(**config), steps[0])
    resumed.load_state({n: t.clone() for n, t in straight.state().items()})
    for average in (straight, resumed):
        for i in range(done, 6):
            average.update(steps[i], progress[i], 0.5)
    one, other = (a.result(steps[-1]) for a in (straight, resumed))
    assert all(torch.equal(one[n], other[n]) for n in one)


def test_half_precision_weights_are_averaged_in_float32_and_come_back_as_they_were() -> None:
    start, *steps = [{"a": torch.tensor([v]).bfloat16()} for v in (0.0, *[1.0] * 20, 1.0078125)]
    average = follow(start, steps, ema_decay=0.5)
    assert average.result({"a": torch.zeros(1)})["a"].item() == pytest.approx(1.0039, abs=1e-4)
    assert average.result(start)["a"].dtype == torch.bfloat16
