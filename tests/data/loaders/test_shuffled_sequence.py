"""Sequences drawn from a process's own shards, as published for data_seed 0."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from golf.data.loaders.shuffled_sequence import ShuffledSequence, own_spans
from golf.data.stream import TokenStream
from tests.data.loaders.reading import FIRST_WORD, SEQ, inputs, shards, share

SIZES = 90, 30, 5, 200, 61, 43, 77


def plain(draw: np.random.Generator, starts: list[int], sizes: list[int]) -> Iterator[int]:
    """Yield the first token of each sequence: shards by remaining blocks, then a block."""
    while True:
        left = []
        for start, size in zip(starts, sizes, strict=True):
            most = min(SEQ - 1, max(0, size - SEQ - 1))
            phase = int(draw.integers(most + 1)) if most > 0 else 0
            blocks = draw.permutation((size - 1 - phase) // SEQ)
            left.append([start + phase + int(b) * SEQ for b in blocks])
        while any(left):
            counts = np.array([len(blocks) for blocks in left], np.float64)
            yield left[int(draw.choice(len(left), p=counts / counts.sum()))].pop()


@pytest.mark.parametrize("world", [1, 2, 4])
def test_data_seed_zero_reads_the_published_order(tmp_path: Path, world: int) -> None:
    stream = TokenStream(shards(tmp_path, *SIZES))
    starts = (FIRST_WORD + np.cumsum([0, *SIZES])).tolist()
    for rank in range(world):
        draw = np.random.Generator(np.random.PCG64(rank))  # the published seed
        expected = plain(draw, starts[rank:-1:world], list(SIZES[rank::world]))
        reader = ShuffledSequence(stream, share(3 * world, 1, rank, world), 0)
        firsts = [row[0] for row in inputs(reader, *range(60))]
        assert firsts == [next(expected) for _ in firsts]


def test_processes_draw_apart(tmp_path: Path) -> None:
    one, other = (
        ShuffledSequence(TokenStream(shards(tmp_path, 400, 400)), share(2, 1, rank, 2), 3)
        for rank in range(2)
    )
    steps = range(20)
    shifted = [[token - 400 for token in row] for row in inputs(other, *steps)]
    assert inputs(one, *steps) != shifted


@pytest.mark.parametrize("sizes", [(333,), (100, 407), (50, 60, 70)])
def test_with_fewer_shards_than_processes_all_read_and_none_the_same(
    tmp_path: Path, sizes: tuple[int, ...]
) -> None:
    stream, found = TokenStream(shards(tmp_path, *sizes)), Counter[int]()
    for rank in range(4):
        reader = ShuffledSequence(stream, share(4, 1, rank, 4), 3)
        blocks = sum((s.tokens - SEQ) // SEQ for s in reader.spans)  # at any phase
        own = {token for row in inputs(reader, *range(blocks)) for token in row}
        assert len(own) == blocks * SEQ
        found.update(own)
    assert max(found.values()) == 1


def test_spans_are_whole_shards_or_equal_parts_of_each() -> None:
    assert own_spans([7, 8, 9, 10, 11], 1, 2) == [(1, 0, 8), (3, 0, 10)]
    assert own_spans([7, 8], 1, 2) == [(1, 0, 8)]
    parts = [own_spans([10, 7], rank, 4) for rank in range(4)]
    assert [p[0] for p in parts] == [(0, 0, 2), (0, 2, 3), (0, 5, 2), (0, 7, 3)]
    assert [p[1] for p in parts] == [(1, 0, 1), (1, 1, 2), (1, 3, 2), (1, 5, 2)]
