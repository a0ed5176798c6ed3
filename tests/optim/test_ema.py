"""The debiased average against its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from golf.optim.ema import DebiasedAverage


def draw(count: int) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    shapes = {"a": (3, 4), "b": (5,), "c": ()}
    return [
        {n: torch.randn(s, generator=generator) for n, s in shapes.items()} for _ in range(count)
    ]


def averaged(steps: list[dict[str, Tensor]], decay: float) -> dict[str, Tensor]:
    average = DebiasedAverage(steps[0], decay)
    for tensors in steps:
        average.update(tensors)
    return average.average()


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("decay", [0.5, 0.9, 0.997])
def test_weights_fall_geometrically_and_sum_to_one(count: int, decay: float) -> None:
    steps = draw(count)
    shares = [(1 - decay) * decay ** (count - 1 - k) for k in range(count)]
    total = sum(shares)
    for name, found in averaged(steps, decay).items():
        values = zip(shares, steps, strict=True)
        expected = sum(s / total * step[name].double() for s, step in values)
        torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-4)


def test_decay_zero_is_the_last_value_to_the_bit() -> None:
    steps = draw(4)
    for name, found in averaged(steps, 0.0).items():
        assert torch.equal(found, steps[-1][name])


@pytest.mark.parametrize("count", [1, 3, 850])
def test_the_average_of_a_constant_is_that_constant(count: int) -> None:
    (constant,) = draw(1)
    for name, found in averaged([constant] * count, 0.997).items():
        torch.testing.assert_close(found, constant[name], atol=1e-4, rtol=1e-4)


def test_later_changes_of_the_tensors_do_not_reach_back() -> None:
    (tensors,) = draw(1)
    average = DebiasedAverage(tensors, 0.9)
    average.update(tensors)
    before = {n: t.clone() for n, t in average.average().items()}
    for t in tensors.values():
        t.fill_(100.0)
    assert all(torch.equal(t, before[n]) for n, t in average.average().items())


def test_half_precision_weights_are_averaged_in_float32() -> None:
    steps = [{"a": torch.tensor([v]).bfloat16()} for v in (1.0, 1.0078125)]
    found = averaged(steps, 0.5)["a"]
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, torch.tensor([(1.0 + 2 * 1.0078125) / 3]))
