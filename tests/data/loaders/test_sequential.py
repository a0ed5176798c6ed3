"""The published stream, token by token."""

from __future__ import annotations

from itertools import cycle, islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from golf.data.loaders.sequential import Sequential
from golf.data.stream import TokenStream
from tests.data.loaders.reading import FIRST_WORD, QUICK, read, shards, share


@QUICK
@given(
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4),
    seq=st.integers(2, 6),
    micro_rows=st.integers(1, 3),
    calls=st.integers(1, 3),
    world=st.sampled_from([1, 2, 4]),
    step=st.integers(0, 9),
)
def test_each_call_takes_the_next_tokens_for_every_rank(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    seq: int,
    micro_rows: int,
    calls: int,
    world: int,
    step: int,
) -> None:
    stream = TokenStream(shards(tmp_path_factory.getbasetemp(), *sizes))
    endless = cycle(range(FIRST_WORD, FIRST_WORD + sum(sizes)))
    local = micro_rows * seq
    taken = [
        [list(islice(endless, local + 1)) for _ in range(world)] for _ in range((step + 1) * calls)
    ]
    rows = micro_rows * calls * world
    for rank in range(world):
        batches = read(Sequential(stream, share(rows, micro_rows, rank, world, seq)), step)
        assert len(batches) == calls
        for batch, slices in zip(batches, taken[-calls:], strict=True):
            expected = torch.tensor(slices[rank])
            assert torch.equal(batch.inputs, expected[:-1].reshape(-1, seq))
            assert torch.equal(batch.targets, expected[1:].reshape(-1, seq))
