"""Choosing settings: ladders against plain rounding, the choice against every other choice."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golf.quant.fit import (
    CLOSE,
    MOST_FILES,
    Point,
    Probe,
    Rung,
    allot,
    curve,
    even_rungs,
    land,
    nearest,
    rungs_around,
    rungs_of,
    scaled,
)
from golf.quant.grid import levels


def ladder() -> list[Rung]:
    draw = torch.Generator().manual_seed(0)
    return rungs_of([torch.randn(64, 96, generator=draw) for _ in range(2)], 0.0)


def test_a_ladder_goes_from_fine_and_large_to_coarse_and_small() -> None:
    rungs = ladder()
    assert len(rungs) > 20
    for fine, coarse in itertools.pairwise(rungs):
        assert fine.coded > coarse.coded
        assert fine.error < coarse.error
    assert rungs[0].coded > 6.5 / 8 * 2 * 64 * 96
    assert rungs[-1].coded < 1.2 / 8 * 2 * 64 * 96


def test_a_rung_tells_what_plain_rounding_does() -> None:
    draw = torch.Generator().manual_seed(3)
    matrix = torch.randn(32, 48, generator=draw) * torch.logspace(-1, 1, 32)[:, None]
    for rung in rungs_of([matrix], 0.0)[::6]:
        most = levels(rung.bits)
        scale = (rung.clip * matrix.std(1) / most).half().float()[:, None]
        codes = (matrix / scale).round().clamp(-most, most)
        error = (codes * scale - matrix).square().sum() / matrix.square().sum()
        counts = codes.unique(return_counts=True)[1].double()
        bits = -(counts / counts.sum()).log2() @ counts
        assert rung.error == pytest.approx(float(error), rel=1e-4)
        assert rung.coded == pytest.approx(float(bits) / 8, rel=1e-4)


def test_a_rung_has_no_more_bits_than_its_codes_use() -> None:
    for rung in ladder():
        few = [r for r in ladder() if r.step == rung.step]
        assert len(few) == 1 or len({r.error for r in few}) == len(few)
        assert rung.bits == 2 or rung.step * levels(rung.bits - 1) < 6  # of 6,000 normal numbers


POINTS = st.lists(
    st.tuples(st.floats(1, 1000), st.floats(0, 10)).map(lambda p: Point(*p)),
    min_size=1, max_size=6,
)  # fmt: skip


@given(st.lists(POINTS, min_size=1, max_size=3), st.floats(0, 3000))
def test_no_other_choice_of_so_few_bytes_has_less_loss(
    curves: list[list[Point]], budget: float
) -> None:
    chosen = [points[i] for points, i in zip(curves, allot(curves, budget), strict=True)]
    taken, loss = sum(p.bytes for p in chosen), sum(p.loss for p in chosen)
    least = sum(min(p.bytes for p in points) for points in curves)
    assert taken <= max(budget, least) + 1e-6
    for others in itertools.product(*curves):
        if sum(p.bytes for p in others) <= taken - 1e-6:
            assert sum(p.loss for p in others) >= loss - 1e-6


def test_a_curve_passes_through_what_was_measured() -> None:
    rungs = ladder()
    probes = [Probe(4, 0.001, 0.0001), Probe(10, 0.02, 0.001), Probe(18, 0.5, 0.01)]
    points = curve(rungs, probes, 0.9)
    for probe in probes:
        assert points[probe.rung].loss == pytest.approx(probe.loss)
    assert [p.bytes for p in points] == [0.9 * r.coded for r in rungs]
    assert points[7].loss < points[10].loss


def test_a_loss_within_its_noise_follows_the_next_coarser_probe() -> None:
    rungs = ladder()
    points = curve(rungs, [Probe(2, -0.001, 0.001), Probe(12, 0.02, 0.001)], 1.0)
    share = 0.02 / rungs[12].error
    assert points[2].loss == pytest.approx(share * rungs[2].error)


@given(st.integers(100_000, 10**8), st.floats(0.3, 3.0), st.floats(0.5, 2.0))
def test_a_file_lands_just_under_the_cap(most: int, off: float, misjudged: float) -> None:
    """Files whose bytes fall by ``per_octave``, which is known only roughly."""
    made: list[int] = []

    def size(octaves: float) -> int:
        made.append(round(most * (off - 0.15 * octaves)))
        return made[-1]

    found = size(land(size, most, misjudged * 0.15 * most))
    assert most * (1 - CLOSE) <= found <= most
    assert len(made) <= MOST_FILES + 1


def test_where_nothing_fits_the_smallest_is_taken() -> None:
    assert land(lambda o: 1000 + round(100 / (1 + math.exp(o))), 500, 50.0) > 1


def test_scaling_a_rung_scales_its_step_up_to_the_coarsest() -> None:
    rung = ladder()[5]
    assert scaled(rung, 0.5).step == pytest.approx(rung.step * 2**0.5, rel=1e-3)
    assert scaled(rung, 0.5).clip / levels(rung.bits) == scaled(rung, 0.5).step
    assert scaled(rung, 99.0).step == pytest.approx(max(r.step for r in ladder()), rel=1e-3)
    assert scaled(rung, 0.0) == rung


def test_even_rungs_share_the_finest_step_that_fits() -> None:
    rungs = {"a": ladder(), "b": ladder()[2:]}
    ratios = dict.fromkeys(rungs, 0.5)
    places = even_rungs(rungs, ratios, 8000)
    taken = sum(0.5 * rungs[n][i].coded for n, i in places.items())
    assert 0.9 * 8000 < taken <= 8000
    steps = {n: rungs[n][i].step for n, i in places.items()}
    assert steps["a"] == pytest.approx(steps["b"], rel=1e-3)
    around = rungs_around(rungs, places)
    assert all(places[n] in around[n] and len(around[n]) == 5 for n in rungs)
    assert nearest(rungs["a"], 1e9) == len(rungs["a"]) - 1
