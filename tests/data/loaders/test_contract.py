"""What every loader promises, without naming any but where they differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from golf.config.schema import KNOBS
from golf.config.tokens import BOS
from golf.data.loaders.build import SEEDED, UNSEEDED
from golf.data.shards import write_shard
from golf.errors import GolfError
from tests.data.loaders.reading import SEQ, inputs, loader, read, same, shards

ALL = pytest.mark.parametrize("name", [*SEEDED, *UNSEEDED])
SIZES = 700, 333, 9, 410, 120
DOCUMENTS = [3, 20, 24, 61, 62, 130, *range(200, 1500, 23)]


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return shards(tmp_path, *SIZES, documents=DOCUMENTS)


def test_the_knobs_name_every_loader_and_those_that_draw() -> None:
    assert set(KNOBS["train.loader"].choices) == {*SEEDED, *UNSEEDED}
    assert KNOBS["train.data_seed"].needs == {"train.loader": tuple(SEEDED)}


@ALL
@pytest.mark.parametrize("micro_rows", [1, 2, 4])
def test_a_step_is_whole_batches_of_inputs_and_their_next_tokens(
    paths: list[str], name: str, micro_rows: int
) -> None:
    batches = read(loader(name, paths, micro_rows=micro_rows), 2)
    assert len(batches) == 4 // micro_rows
    for batch in batches:
        shape = (1, micro_rows * SEQ) if name == "packed" else (micro_rows, SEQ)
        assert batch.inputs.shape == batch.targets.shape == shape
        assert batch.inputs.dtype == batch.targets.dtype == torch.int64
        assert torch.equal(batch.inputs[:, 1:], batch.targets[:, :-1])
        assert (batch.starts is not None) == (name == "packed")


@ALL
def test_a_gpu_gets_batches_without_waiting_for_them(
    paths: list[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a pinned tensor without gaps is copied while everything goes on."""
    sent: list[tuple[torch.Tensor, dict[str, object]]] = []

    def to(ids: torch.Tensor, _device: torch.device, **how: object) -> torch.Tensor:
        sent.append((ids, how))
        return ids

    pinned: list[torch.Tensor] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda ids: pinned.append(ids) or ids)
    monkeypatch.setattr(torch.Tensor, "to", to)
    batch = read(loader(name, paths), 1)[0]
    there = batch.to(torch.device("cuda"))
    assert all(ids.is_contiguous() and how == {"non_blocking": True} for ids, how in sent)
    assert len(pinned) == len(sent) == sum(t is not None for t in batch)
    assert all(a is b is None or torch.equal(a, b) for a, b in zip(batch, there, strict=True))


@ALL
@pytest.mark.parametrize("step", [0, 1, 60])
def test_a_jump_to_a_step_reads_what_walking_there_reads(
    paths: list[str], name: str, step: int
) -> None:
    walked = loader(name, paths)
    for earlier in range(step):
        read(walked, earlier)
    assert same(read(loader(name, paths), step), read(walked, step))


@ALL
def test_what_was_read_before_leaves_no_trace(paths: list[str], name: str) -> None:
    used = loader(name, paths)
    wanted = read(loader(name, paths), 20)
    assert same(read(used, 20), wanted)
    assert same(read(used, 20), wanted)  # priming reads the first step twice
    read(used, 31, 0, 7)
    next(used.micro_batches(8))  # a step that was begun and left
    assert same(read(used, 20), wanted)


@ALL
def test_the_data_seed_alone_decides_what_a_seeded_loader_reads(
    paths: list[str], name: str
) -> None:
    one, again, other = (loader(name, paths, seed=seed) for seed in (5, 5, 6))
    steps = range(6)
    assert same(read(one, *steps), read(again, *steps))
    assert same(read(one, *steps), read(other, *steps)) == (name in UNSEEDED)


@ALL
def test_moving_the_data_changes_nothing(
    paths: list[str], name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    moved = shards(tmp_path_factory.mktemp("elsewhere"), *SIZES, documents=DOCUMENTS)
    assert same(read(loader(name, paths), 0, 9), read(loader(name, moved), 0, 9))


@pytest.mark.parametrize("name", ["shuffled", "sequential", "coprime", "best_fit"])
@pytest.mark.parametrize("world", [2, 4])
def test_processes_together_read_what_one_reads(paths: list[str], name: str, world: int) -> None:
    for step in (0, 3, 40):
        one = inputs(loader(name, paths, rows=8), step)
        ranks = [
            inputs(loader(name, paths, rows=8, rank=r, world=world), step) for r in range(world)
        ]
        assert all(len(rows) == 8 // world for rows in ranks)
        assert sorted(one) == sorted(row for rows in ranks for row in rows)


@pytest.mark.parametrize("name", ["shuffled", "shuffled_sequence", "coprime", "best_fit"])
def test_the_size_of_a_batch_does_not_change_what_a_step_reads(paths: list[str], name: str) -> None:
    small, large = (inputs(loader(name, paths, rows=8, micro_rows=m), 3) for m in (1, 4))
    assert small == large


@ALL
def test_a_large_token_is_not_read_as_a_negative_one(tmp_path: Path, name: str) -> None:
    tokens = np.full(400, 65535, "<u2")
    tokens[0] = BOS
    write_shard(tmp_path / "t.bin", tokens)
    (batch,) = read(loader(name, [str(tmp_path / "t.bin")], rows=1), 0)
    assert set(batch.targets.flatten().tolist()) == {65535}


TOO_LITTLE = {
    "shuffled": ((2 * SEQ, 3), (), "no window of 8 tokens"),
    "shuffled_sequence": ((SEQ, 3), (), "no window of 8 tokens for process 0"),
    "coprime": ((SEQ, 3), (), "no window of 8 tokens"),
    "packed": ((SEQ + 2, 3), (2,), "no span of 1 x 9 tokens"),
    "best_fit": ((50, 50), (), "no document"),
}


@pytest.mark.parametrize("name", TOO_LITTLE)
def test_shards_that_hold_too_little_are_refused(tmp_path: Path, name: str) -> None:
    sizes, documents, message = TOO_LITTLE[name]
    with pytest.raises(GolfError, match=message):
        loader(name, shards(tmp_path, *sizes, documents=documents))


def test_packing_is_refused_where_no_document_begins(tmp_path: Path) -> None:
    with pytest.raises(GolfError, match="no document begins in the train shards"):
        loader("packed", shards(tmp_path, 300))
