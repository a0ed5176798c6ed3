"""Small shards in which a token tells its place, and readers of whole steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from hypothesis import settings

from golf.config.schema.train import TrainConfig
from golf.config.tokens import BOS
from golf.data.loaders.batch import Batch, Loader, Share
from golf.data.loaders.build import build_loader
from golf.data.shards import write_shard

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure
SEQ = 8
FIRST_WORD = 2  # the token at place 0, unless it is a BOS


def shards(folder: Path, *sizes: int, documents: Iterable[int] = ()) -> list[str]:
    """Write shards whose tokens count up through all of them, with BOS where documents begin."""
    tokens = np.arange(FIRST_WORD, FIRST_WORD + sum(sizes), dtype="<u2")
    tokens[list(documents)] = BOS
    paths, start = [], 0
    for i, size in enumerate(sizes):
        paths.append(str(folder / f"x_train_{i:06d}.bin"))
        write_shard(Path(paths[-1]), tokens[start : start + size])
        start += size
    return paths


def share(
    rows: int = 4, micro_rows: int = 1, rank: int = 0, world: int = 1, seq: int = SEQ
) -> Share:
    return Share(seq, rows * seq, micro_rows * seq, rank, world)


def loader(
    name: str,
    paths: Sequence[str],
    rows: int = 4,
    micro_rows: int = 1,
    rank: int = 0,
    world: int = 1,
    seed: int = 5,
) -> Loader:
    """Return the loader that a training with these settings would build."""
    config = TrainConfig(
        loader=name,
        seq_len=SEQ,
        batch_tokens=rows * SEQ,
        micro_tokens=micro_rows * SEQ,
        data_seed=seed,
    )
    return build_loader(config, paths, rank, world)


def read(reader: Loader, *steps: int) -> list[Batch]:
    return [batch for step in steps for batch in reader.micro_batches(step)]


def inputs(reader: Loader, *steps: int) -> list[list[int]]:
    """Return the rows of inputs of some steps."""
    return [row for batch in read(reader, *steps) for row in batch.inputs.tolist()]


def same(one: list[Batch], other: list[Batch]) -> bool:
    """Say whether two readings hold the same tokens and segments, batch by batch."""
    pairs = list(zip(one, other, strict=True))
    kinds = all((a.starts is None) == (b.starts is None) for a, b in pairs)
    tensors = [(x, y) for a, b in pairs for x, y in zip(a, b, strict=True) if x is not None]
    return kinds and all(torch.equal(x, y) for x, y in tensors if y is not None)
