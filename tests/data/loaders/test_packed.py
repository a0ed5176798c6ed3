"""Documents in flat rows: every token once, every segment where its document or cut begins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golf.config.tokens import BOS
from golf.data.loaders.packed import Packed, segment_starts
from golf.data.stream import TokenStream
from tests.data.loaders.reading import FIRST_WORD, QUICK, SEQ, read, shards, share


@QUICK
@given(
    tokens=st.lists(st.sampled_from([BOS, 5, 6, 7]), min_size=1, max_size=60),
    longest=st.integers(1, 9),
)
def test_a_segment_begins_at_each_document_and_every_so_many_tokens(
    tokens: list[int], longest: int
) -> None:
    expected, begin = [], 0
    for place, token in enumerate(tokens):
        if token == BOS or place - begin == longest:
            begin = place
        expected.append(begin)
    assert segment_starts(np.array(tokens), longest).tolist() == expected


def test_a_row_of_three_documents(tmp_path: Path) -> None:
    paths = shards(tmp_path, 40, documents=[2, 5, 20])
    (batch,) = read(Packed(TokenStream(paths), share(3, 3)), 0)
    assert batch.starts is not None
    # Reading begins at token 2; the second document is cut after eight tokens.
    assert batch.starts.tolist() == [[0] * 3 + [3] * 8 + [11] * 7 + [18] * 6]
    assert batch.inputs[0, [0, 3, 18]].tolist() == [BOS] * 3
    assert torch.equal(batch.targets[0, :-1], batch.inputs[0, 1:])
    assert batch.targets[0, -1] == FIRST_WORD + 2 + 24


@QUICK
@given(
    sizes=st.lists(st.integers(20, 120), min_size=1, max_size=3),
    lead=st.integers(0, 12),
    micro_rows=st.integers(1, 2),
    world=st.sampled_from([1, 2, 4]),
)
def test_a_pass_reads_each_shard_in_order_up_to_less_than_a_span(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    lead: int,
    micro_rows: int,
    world: int,
) -> None:
    width = micro_rows * SEQ + 1
    firsts = np.cumsum([0, *sizes])
    documents = [int(first) + lead for first in firsts[:-1]]
    stream = TokenStream(shards(tmp_path_factory.getbasetemp(), *sizes, documents=documents))
    expected = []
    tokens = np.concatenate(stream.shards).astype(int).tolist()
    for begin, end in zip(documents, firsts[1:], strict=True):
        at = begin
        while at + width * world <= end:
            expected += [tokens[at + r * width : at + (r + 1) * width] for r in range(world)]
            at += width * world
    if not expected:
        return
    steps = 2 * len(expected) // world  # one call each: two passes
    rows = micro_rows * world
    readers = [Packed(stream, share(rows, micro_rows, rank, world)) for rank in range(world)]
    found = [
        [*batch.inputs[0].tolist(), int(batch.targets[0, -1])]
        for step in range(steps)
        for reader in readers
        for batch in read(reader, step)
    ]
    assert found == expected * 2


def test_a_shard_without_a_document_start_lies_inside_a_document(tmp_path: Path) -> None:
    paths = shards(tmp_path, 20, 20, documents=[1])
    second = read(Packed(TokenStream(paths), share(1)), 2)[0]
    assert second.inputs[0, 0] == FIRST_WORD + 20


@pytest.mark.parametrize("world", [2, 4])
def test_processes_together_read_what_one_reads_up_to_the_tail(tmp_path: Path, world: int) -> None:
    stream = TokenStream(shards(tmp_path, 9 * 13, documents=[0]))
    one = [b.inputs.tolist() for b in read(Packed(stream, share(12)), 0)]
    readers = [Packed(stream, share(12, 1, rank, world)) for rank in range(world)]
    together = [
        b.inputs.tolist() for step in zip(*(read(r, 0) for r in readers), strict=True) for b in step
    ]
    assert together == one
