"""Datasets made from a recipe, and published shards in their layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from golf.config.datasets import find_dataset
from golf.data.prepare import Prepared, prepare, read_prepared
from golf.data.shards import open_shard, write_shard
from golf.data.tokenizer import (
    Tokens,
)
from golf.files import write_json

SHARDS = Path("datasets/datasets/fineweb10B_sp512")


MODEL = Path("datasets/tokenizers/fineweb_512_bpe.model")


def made(where: Path, **recipe: object) -> Prepared:
    """Prepare a recipe in the folder ``where``."""
    open_ends = {"corpus": None, "folder": None, "tokenizer": None, "seq_len": None}
    write_json(where / "recipe.json", {**open_ends, "fingerprint": "f", **recipe})
    prepare(where)
    return read_prepared(where)


def tokens(files: list[str]) -> Tokens:
    return np.concatenate([open_shard(Path(f)) for f in files])


def adopted(project: Path, where: Path, seq_len: int = 16, vocab_size: int = 512) -> Prepared:
    """Prepare the shards of ``project`` the way planning asks for it."""
    found = find_dataset(str(SHARDS), vocab_size, project)
    return made(
        where,
        folder=str(found.folder),
        tokenizer=str(found.tokenizer) if found.tokenizer else None,
        seq_len=seq_len,
        vocab_size=vocab_size,
    )


def sidecar(project: Path, *sizes: int) -> None:
    """Write byte counts that the look-up tables would never give."""
    for i, size in enumerate(sizes):
        path = project / SHARDS / f"fineweb_val_bytes_{i:06d}.bin"
        write_shard(path, np.full(size, 1000 + i, "<u2"))
