"""The embedded corpus as a dataset, a tokenizer, and a project with published shards."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from golf.data.corpus import read_corpus
from golf.data.prepare import Prepared
from golf.data.shards import write_shard
from golf.data.tokenizer import (
    train_tokenizer,
)
from tests.data.prepared import MODEL, SHARDS, made


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return made(tmp_path_factory.mktemp("data"), corpus="sotu-small", vocab_size=384)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.model"
    tokenizer = train_tokenizer(read_corpus("sotu-small").train, 512)
    path.write_bytes(tokenizer.serialized_model_proto())
    return path


@pytest.fixture
def published(tmp_path: Path, model: Path) -> Path:
    """Return a project with two train and two validation shards in the published layout."""
    folder = tmp_path / "project" / SHARDS
    draw = np.random.default_rng(0)
    for name, size in (("train_000000", 90), ("train_000001", 50), ("val_000000", 41),
                       ("val_000001", 30)):  # fmt: skip
        write_shard(folder / f"fineweb_{name}.bin", draw.integers(0, 512, size).astype("<u2"))
    (tmp_path / "project" / MODEL).parent.mkdir(parents=True)
    shutil.copy(model, tmp_path / "project" / MODEL)
    return tmp_path / "project"
