"""Which windows a step reads follows from (data_seed, step) and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.data.loaders.shuffled import Shuffled
from golf.data.stream import TokenStream
from golf.errors import GolfError
from tests.data.loaders.reading import FIRST_WORD, QUICK, SEQ, inputs, read, shards, share

SIZES = 100, 57, 9, 210


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return shards(tmp_path, *SIZES)


def epoch(paths: list[str], seed: int, number: int = 0, seq: int = SEQ) -> list[list[int]]:
    """Return an epoch's rows of inputs: a step as large as the epoch reads it."""
    stream = TokenStream(paths)
    windows = Shuffled(stream, share(seq=seq), seed).windows
    return inputs(Shuffled(stream, share(windows, windows, seq=seq), seed), number)


@pytest.mark.parametrize("number", [0, 1, 7])
def test_an_epoch_is_the_permutation_that_its_seed_and_number_draw(
    paths: list[str], number: int
) -> None:
    draw = np.random.Generator(np.random.PCG64([5, number]))
    phases = draw.integers(0, SEQ, len(SIZES))
    starts = np.cumsum([0, *SIZES])
    windows = [
        [FIRST_WORD + starts[i] + phases[i] + block * SEQ + t for t in range(SEQ)]
        for i, size in enumerate(SIZES)
        for block in range((size - 1) // SEQ - 1)
    ]
    assert epoch(paths, 5, number) == [windows[i] for i in draw.permutation(len(windows))]


@QUICK
@given(
    sizes=st.lists(st.integers(1, 80), min_size=1, max_size=4),
    seq=st.integers(2, 12),
    seed=st.integers(0, 2**31),
    number=st.integers(0, 5),
)
def test_an_epoch_reads_every_window_once_and_never_beyond_its_shard(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seq: int, seed: int, number: int
) -> None:
    fits = [max(0, (n - 1) // seq - 1) for n in sizes]
    if not sum(fits):
        return
    stream = TokenStream(shards(tmp_path_factory.getbasetemp(), *sizes))
    (batch,) = read(Shuffled(stream, share(sum(fits), sum(fits), seq=seq), seed), number)
    starts = FIRST_WORD + np.cumsum([0, *sizes])
    ends = (batch.inputs[:, 0].numpy(), batch.targets[:, -1].numpy())
    places = [np.searchsorted(starts, tokens, side="right") - 1 for tokens in ends]
    assert np.array_equal(*places)  # a window lies in one shard
    assert np.bincount(places[0], minlength=len(sizes)).tolist() == fits
    assert batch.inputs.unique().numel() == batch.inputs.numel() == sum(fits) * seq


def test_an_epoch_leaves_out_less_than_two_windows_of_a_shard(paths: list[str]) -> None:
    found = {t - FIRST_WORD for row in epoch(paths, 3) for t in row}
    for first, size in ((0, 100), (100, 57), (157, 9), (166, 210)):
        assert size - len(found & set(range(first, first + size))) <= 2 * SEQ


def test_another_epoch_reads_in_another_order_and_phase(paths: list[str]) -> None:
    assert epoch(paths, 5, 0) != epoch(paths, 5, 1)
    assert sorted(epoch(paths, 5, 0)) != sorted(epoch(paths, 5, 1))


def test_steps_follow_each_other_without_a_gap_across_epochs(paths: list[str]) -> None:
    reader = Shuffled(TokenStream(paths), share(4), 5)
    stepped = inputs(reader, *range(3 * reader.windows // 4))
    assert stepped == (epoch(paths, 5, 0) + epoch(paths, 5, 1) + epoch(paths, 5, 2))[: len(stepped)]


def test_a_batch_larger_than_an_epoch_reads_on_in_the_next(tmp_path: Path) -> None:
    short = shards(tmp_path, 40)
    rows = inputs(Shuffled(TokenStream(short), share(9, 9), 1), 0)
    assert rows == epoch(short, 1, 0) + epoch(short, 1, 1) + epoch(short, 1, 2)


def test_shards_without_one_window_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GolfError, match="hold no window of 8 tokens"):
        Shuffled(TokenStream(shards(tmp_path, 16, 3)), share(), 1)
