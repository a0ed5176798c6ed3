"""Blocks of a shard once each before any twice; shards mixed as the schedule says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.data.loaders.coprime import Coprime, Walk
from golf.data.stream import TokenStream
from tests.data.loaders.reading import FIRST_WORD, QUICK, SEQ, inputs, shards, share


def walk(tokens: int, seq: int, seed: int) -> Walk:
    return Walk(tokens, seq, np.random.Generator(np.random.PCG64(seed)))


def in_rounds(starts: list[int], tokens: int, seq: int) -> list[tuple[list[int], range]]:
    """Cut what a walk gave into rounds, each with the blocks that its phase makes."""
    rounds = []
    while starts:
        blocks = range(starts[0] % seq, tokens - seq, seq)
        rounds.append((starts[: len(blocks)], blocks))
        starts = starts[len(blocks) :]
    return rounds


@QUICK
@given(
    tokens=st.integers(3, 400),
    seq=st.integers(2, 12),
    seed=st.integers(0, 2**40),
    takes=st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_every_block_is_visited_once_before_any_is_again(
    tokens: int, seq: int, seed: int, takes: list[int]
) -> None:
    if tokens <= seq:
        return
    walked = walk(tokens, seq, seed)
    starts = [int(start) for n in takes for start in walked.take(n)]
    assert len(starts) == sum(takes)
    *whole, (last, blocks) = in_rounds(starts, tokens, seq)
    assert all(sorted(visited) == list(blocks) for visited, blocks in whole)
    assert len(set(last)) == len(last)
    assert set(last) <= set(blocks)


def test_a_walk_goes_in_strides_and_each_round_in_another() -> None:
    strides = []
    for visited, blocks in in_rounds(walk(1001, 10, 1).take(600).tolist(), 1001, 10)[:5]:
        (stride,) = {int(d) // 10 % len(blocks) for d in np.diff(visited)}
        strides.append(stride)
    assert len(set(strides)) > 1


def owners(rows: list[list[int]], sizes: list[int]) -> list[int]:
    """Return the shard of each row."""
    starts = FIRST_WORD + np.cumsum([0, *sizes])
    return (np.searchsorted(starts, [row[0] for row in rows], side="right") - 1).tolist()


@pytest.mark.parametrize(
    ("world", "step", "mixed"),
    [(1, 0, 8), (1, 900, 20), (1, 1800, 32), (2, 225, 11), (8, 0, 8), (8, 225, 12)],
)
def test_the_mix_grows_and_its_windows_are_interleaved(
    tmp_path: Path, world: int, step: int, mixed: int
) -> None:
    sizes = [200] * 40 + [SEQ]  # the last holds no window
    stream = TokenStream(shards(tmp_path, *sizes))
    rows = np.empty((64, SEQ), np.int64)
    for rank in range(world):
        rows[rank::world] = inputs(Coprime(stream, share(64, 1, rank, world), 2), step)
    read = owners(rows.tolist(), sizes)
    assert len(set(read)) == len(set(read[:mixed])) == mixed
    assert read[:mixed] != sorted(read[:mixed])


def test_a_shard_is_drawn_by_the_power_of_its_remaining_blocks(tmp_path: Path) -> None:
    sizes, seq = [32000, 8000], 2
    reader = Coprime(TokenStream(shards(tmp_path, *sizes)), share(4, 4, seq=seq), 1)
    left = np.array([n // seq for n in sizes], np.float64)
    drawn, expected = {0.9: 0.0, 0.5: 0.0}, {0.9: 0.0, 0.5: 0.0}
    for step in range(2600):
        read = np.bincount(owners(inputs(reader, step), sizes), minlength=2)
        exponent = {range(300): 0.9, range(1800, 2600): 0.5}
        for steps, power in exponent.items():
            if step in steps:
                weights = left**power
                drawn[power] += read[0] - 1  # two of the four rows are one of each shard
                expected[power] += 2 * weights[0] / weights.sum()
        left -= read
    assert drawn[0.9] == pytest.approx(expected[0.9], abs=4 * np.sqrt(600 * 0.17))
    assert drawn[0.5] == pytest.approx(expected[0.5], abs=4 * np.sqrt(1600 * 0.2))
