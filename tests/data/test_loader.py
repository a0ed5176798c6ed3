"""Which windows a step reads follows from (data_seed, step) and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.data.loader import WindowLoader
from golf.data.shards import write_shard

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure

SEQ = 8


def shards(folder: Path, *sizes: int) -> list[str]:
    """Write shards whose tokens count up through all of them: a token tells its place."""
    paths, start = [], 0
    for i, size in enumerate(sizes):
        path = folder / f"x_train_{i:06d}.bin"
        write_shard(path, np.arange(start, start + size, dtype="<u2"))
        paths.append(str(path))
        start += size
    return paths


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return shards(tmp_path, 100, 57, 9, 210)


def step(loader: WindowLoader, number: int, rows: int = 4, **share: int) -> list[Tensor]:
    """Return the inputs of a step, one tensor for each micro batch."""
    ask = {"micro_rows": 1, "rank": 0, "world_size": 1, **share}
    return [inputs for inputs, _ in loader.micro_batches(number, rows, **ask)]


def epoch(loader: WindowLoader, number: int = 0) -> list[list[int]]:
    inputs, _ = loader.rows(number * loader.windows, loader.windows)
    return inputs.tolist()


def test_targets_are_the_inputs_shifted_by_one(paths: list[str]) -> None:
    inputs, targets = WindowLoader(paths, SEQ, 1).rows(0, 30)
    assert (inputs.shape, inputs.dtype) == ((30, SEQ), torch.int64)
    assert torch.equal(targets, inputs + 1)  # the shards count upwards


@QUICK
@given(
    sizes=st.lists(st.integers(1, 80), min_size=1, max_size=4),
    seq_len=st.integers(2, 12),
    seed=st.integers(0, 2**31),
    number=st.integers(0, 5),
)
def test_an_epoch_reads_every_window_once_and_never_beyond_its_shard(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    seq_len: int,
    seed: int,
    number: int,
) -> None:
    fits = [max(0, (n - 1) // seq_len - 1) for n in sizes]
    if not sum(fits):
        return
    loader = WindowLoader(shards(tmp_path_factory.getbasetemp(), *sizes), seq_len, seed)
    inputs, targets = loader.rows(number * loader.windows, loader.windows)
    starts = np.cumsum([0, *sizes])
    ends = (inputs[:, 0].numpy(), targets[:, -1].numpy())
    read = [np.searchsorted(starts, tokens, side="right") - 1 for tokens in ends]
    assert np.array_equal(*read)  # a window lies in one shard
    assert np.bincount(read[0], minlength=len(sizes)).tolist() == fits
    assert inputs.unique().numel() == inputs.numel() == sum(fits) * seq_len


def test_an_epoch_leaves_out_less_than_two_windows_of_a_shard(paths: list[str]) -> None:
    read = {t for row in epoch(WindowLoader(paths, SEQ, 3)) for t in row}
    for first, size in ((0, 100), (100, 57), (157, 9), (166, 210)):
        assert size - len(read & set(range(first, first + size))) <= 2 * SEQ


def test_two_loaders_of_one_seed_read_the_same_whatever_was_read_before(paths: list[str]) -> None:
    fresh, used = (WindowLoader(paths, SEQ, 5) for _ in range(2))
    for number in (30, 0, 7):
        step(used, number)
    assert all(torch.equal(a, b) for a, b in zip(step(fresh, 20), step(used, 20), strict=True))


def test_another_seed_or_epoch_reads_in_another_order(paths: list[str]) -> None:
    one, other = WindowLoader(paths, SEQ, 5), WindowLoader(paths, SEQ, 6)
    assert epoch(one) != epoch(other)
    assert epoch(one, 0) != epoch(one, 1)
    assert sorted(epoch(one, 0)) != sorted(epoch(one, 1))  # the phase moves, too


def test_the_order_is_shuffled(paths: list[str]) -> None:
    starts = [row[0] for row in epoch(WindowLoader(paths, SEQ, 5))]
    assert starts != sorted(starts)


@pytest.mark.parametrize(("world_size", "micro_rows"), [(1, 4), (2, 1), (2, 4), (4, 2), (8, 1)])
def test_the_ranks_together_read_what_one_process_reads(
    paths: list[str], world_size: int, micro_rows: int
) -> None:
    whole = torch.cat(step(WindowLoader(paths, SEQ, 5), 3, rows=8, micro_rows=8))
    parts = []
    for rank in range(world_size):
        share = {"micro_rows": micro_rows, "rank": rank, "world_size": world_size}
        parts += step(WindowLoader(paths, SEQ, 5), 3, rows=8, **share)
    assert all(len(p) == micro_rows for p in parts)
    assert torch.equal(torch.cat(parts), whole)


def test_steps_follow_each_other_without_a_gap_across_epochs(paths: list[str]) -> None:
    loader = WindowLoader(paths, SEQ, 5)
    steps = 3 * loader.windows // 4
    stepped = torch.cat([t for n in range(steps) for t in step(loader, n)])
    assert stepped.tolist() == (epoch(loader, 0) + epoch(loader, 1) + epoch(loader, 2))[: steps * 4]


def test_sequential_order_is_shard_order_in_every_epoch(paths: list[str]) -> None:
    loader = WindowLoader(paths, SEQ, None)
    starts = [row[0] for row in epoch(loader)]
    per_shard = [(0, 11), (100, 6), (166, 25)]  # the shard of nine tokens holds no window
    assert starts == [first + i * SEQ for first, n in per_shard for i in range(n)]
    assert epoch(loader, 1) == epoch(loader, 0)


def test_a_batch_larger_than_an_epoch_reads_on_in_the_next(tmp_path: Path) -> None:
    loader = WindowLoader(shards(tmp_path, 40), SEQ, 1)
    inputs, _ = loader.rows(0, 10)
    assert loader.windows == 3
    assert inputs[:9].tolist() == epoch(loader, 0) + epoch(loader, 1) + epoch(loader, 2)


def test_shards_without_one_window_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="hold no window of 8 tokens"):
        WindowLoader(shards(tmp_path, 16, 3), SEQ, 1)


def test_a_large_token_is_not_read_as_a_negative_one(tmp_path: Path) -> None:
    write_shard(tmp_path / "t.bin", np.full(40, 65535, "<u2"))
    inputs, targets = WindowLoader([str(tmp_path / "t.bin")], SEQ, 1).rows(0, 1)
    assert set(inputs.flatten().tolist()) | set(targets.flatten().tolist()) == {65535}
