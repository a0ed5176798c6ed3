"""Rows that begin with BOS and are full, filled with the longest document that fits."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.config.tokens import BOS
from golf.data.loaders.best_fit import BestFit, packed_rows
from golf.data.shards import write_shard
from golf.data.stream import TokenStream
from tests.data.loaders.reading import QUICK, SEQ, read, share


def plain(documents: Iterator[list[int]], capacity: int) -> Iterator[list[int]]:
    """Yield rows by looking through the whole buffer for every document."""
    buffer: list[list[int]] = []
    while True:
        row: list[int] = []
        while len(row) < capacity:
            while len(buffer) < 1000:
                buffer += islice(documents, 128)
            room = capacity - len(row)
            fitting = [d for d in buffer if len(d) <= room]
            # Of equal lengths max and min return the first, which came first.
            chosen = max(fitting, key=len) if fitting else min(buffer, key=len)
            del buffer[next(i for i, d in enumerate(buffer) if d is chosen)]
            row += chosen[:room]
        yield row


def written(
    folder: Path, lengths: list[int], cuts: list[int]
) -> tuple[TokenStream, list[list[int]]]:
    """Write documents of these lengths into shards cut anywhere; return them, too."""
    draw = np.random.Generator(np.random.PCG64(0))
    documents = [[BOS, *draw.integers(2, 60000, n - 1).tolist()] for n in lengths]
    tokens = np.array([7, *(t for d in documents for t in d)], "<u2")  # 7: before any document
    paths = [folder / f"x_train_{i:06d}.bin" for i in range(len(cuts) + 1)]
    for path, part in zip(paths, np.split(tokens, cuts), strict=True):
        write_shard(path, part)
    return TokenStream([str(p) for p in paths]), documents


@pytest.mark.parametrize("world", [1, 2, 4])
def test_rows_are_those_of_the_plain_search(tmp_path: Path, world: int) -> None:
    draw = np.random.Generator(np.random.PCG64(3))
    lengths = draw.integers(1, 2 * SEQ, 1500).tolist()
    stream, documents = written(tmp_path, lengths, [5, 4000, 4003])
    expected = plain(cycle(documents), SEQ + 1)
    readers = [BestFit(stream, share(8, 2, rank, world)) for rank in range(world)]
    for step in range(150):  # more than two passes over the documents
        rows = [
            [*inputs.tolist(), int(targets[-1])]
            for reader in readers
            for batch in read(reader, step)
            for inputs, targets in zip(batch.inputs, batch.targets, strict=True)
        ]
        assert rows == list(islice(expected, 8))
        assert all(row[0] == BOS for row in rows)


@QUICK
@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=30),
    capacity=st.integers(2, 33),
)
def test_rows_are_full_and_only_their_last_document_is_cropped(
    lengths: list[int], capacity: int
) -> None:
    starts = np.cumsum([0, *lengths]).tolist()
    whole = dict(zip(starts, lengths, strict=False))
    for row in islice(packed_rows(cycle(whole.items()), capacity), 40):
        assert sum(tokens for _, tokens in row) == capacity
        assert all(tokens == whole[start] for start, tokens in row[:-1])
        assert row[-1][1] <= whole[row[-1][0]]


def test_a_document_is_used_once_in_a_pass(tmp_path: Path) -> None:
    lengths = [3] * 2000
    starts = range(0, 6000, 3)
    rows = packed_rows(cycle(zip(starts, lengths, strict=True)), 9)
    used = [start for row in islice(rows, 600) for start, _ in row]
    assert used == list(starts)[:1800]  # of equal lengths the first that came
