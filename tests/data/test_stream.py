"""Shards as one endless stream."""

from __future__ import annotations

from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.config.tokens import BOS
from golf.data.shards import write_shard
from golf.data.stream import TokenStream, first_bos
from tests.data.loaders.reading import QUICK


def stream(folder: Path, *shards: list[int]) -> TokenStream:
    paths = [folder / f"s{i}.bin" for i in range(len(shards))]
    for path, tokens in zip(paths, shards, strict=True):
        write_shard(path, np.array(tokens, "<u2"))
    return TokenStream([str(p) for p in paths])


TOKENS = st.lists(st.sampled_from([BOS, 2, 3, 60000]), min_size=1, max_size=30)


@QUICK
@given(
    shards=st.lists(TOKENS, min_size=1, max_size=4),
    start=st.integers(0, 200),
    count=st.integers(0, 200),
)
def test_reading_goes_on_in_the_next_shard_and_after_the_last_in_the_first(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[int]], start: int, count: int
) -> None:
    tokens = stream(tmp_path_factory.getbasetemp(), *shards).read(start, count)
    everything = cycle([token for shard in shards for token in shard])
    assert tokens.dtype == np.int64
    assert tokens.tolist() == list(islice(everything, start, start + count))


@QUICK
@given(shards=st.lists(TOKENS, min_size=1, max_size=4))
def test_documents_run_from_bos_to_bos_across_shards(
    tmp_path_factory: pytest.TempPathFactory, shards: list[list[int]]
) -> None:
    documents: list[list[int]] = []
    for token in (token for shard in shards for token in shard):
        if token == BOS:
            documents.append([])
        if documents:
            documents[-1].append(token)
    found = stream(tmp_path_factory.getbasetemp(), *shards)
    assert [found.read(*document).tolist() for document in found.documents()] == documents


@pytest.mark.parametrize("place", [0, 1, 65535, 65536, 65537, 140000])
def test_the_first_bos_is_found_however_far_it_lies(place: int) -> None:
    tokens = np.full(150000, 9, "<u2")
    assert first_bos(tokens) is None
    tokens[[place, 149999]] = BOS
    assert first_bos(tokens) == place
