"""Where training text comes from, and the fingerprint by which a dataset is known.

An embedded corpus is known by its content hash. A folder of shards in the challenge's format
is known by the names, sizes and edges of its files, so that moving it changes no key.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from golf.errors import did_you_mean, fail
from golf.frozen import Frozen

EDGE_BYTES = 1 << 16
SOTU_SHA256 = "d2ffc19f1765e5810f8f3038b11aec06597fee852ee3f546d65320d62900b5e8"


class Corpus(Frozen):
    """An embedded corpus, or its first documents.

    Attributes:
        name: what ``data.dataset`` calls it.
        sha256: of the whole decompressed JSONL file.
        val_documents: validation documents; what is scored may be fewer.
        train_bytes: whole train documents are taken until this many bytes; 0 for all.
        val_bytes: the same for validation documents.
    """

    name: str
    sha256: str
    val_documents: int
    train_bytes: int = 0
    val_bytes: int = 0


CORPORA = {
    c.name: c
    for c in (
        Corpus("sotu", SOTU_SHA256, 20),
        Corpus("sotu-small", SOTU_SHA256, 2, train_bytes=400_000, val_bytes=40_000),
    )
}


class Dataset(Frozen):
    """A dataset as planning knows it.

    Attributes:
        fingerprint: what enters keys.
        folder: where the shards lie; None for an embedded corpus.
        tokenizer: the SentencePiece model of the published layout, if it is there.
    """

    fingerprint: str
    folder: Path | None = None
    tokenizer: Path | None = None


@cache
def find_dataset(name: str, vocab_size: int, root: Path) -> Dataset:
    """Return the dataset called ``name``; folders are relative to ``root``.

    Raises:
        GolfError: neither a corpus nor a folder with shards.
    """
    if name in CORPORA:
        corpus = CORPORA[name]
        return Dataset(f"{corpus.sha256[:16]}/{corpus.train_bytes}/{corpus.val_bytes}")
    try:
        folder = (root / name).expanduser().resolve()
        shards = sorted(folder.glob("*.bin"))
    except (OSError, RuntimeError, ValueError) as error:
        raise fail(f"data.dataset {name!r} is no corpus, and names no folder: {error}") from None
    tokens = [s.name for s in shards if "_val_bytes_" not in s.name]
    kinds = {kind for kind in ("_train_", "_val_") for name in tokens if kind in name}
    if len(kinds) < 2:
        hint = did_you_mean(name, CORPORA) or f"embedded: {', '.join(CORPORA)}"
        raise fail(
            f"data.dataset {name!r} is no corpus, and no folder with *_train_*.bin and "
            f"*_val_*.bin shards is at {folder}", hint,
        )  # fmt: skip
    tokenizer = tokenizer_of(folder, vocab_size)
    digest = hashlib.sha256()
    for path in [*shards, *([tokenizer] if tokenizer else [])]:
        digest.update(_edges(path))
    return Dataset(f"shards/{digest.hexdigest()[:16]}", folder, tokenizer)


def tokenizer_of(folder: Path, vocab_size: int) -> Path | None:
    """Return the tokenizer of published shards; None where byte counts lie beside them instead.

    Raises:
        GolfError: neither is there.
    """
    model = folder.parent.parent / "tokenizers" / f"fineweb_{vocab_size}_bpe.model"
    if model.is_file():
        return model
    if any(folder.glob("*_val_bytes_*.bin")):
        return None
    raise fail(
        f"no tokenizer at {model}: without it, or *_val_bytes_*.bin files beside the shards, "
        "bytes cannot be counted", "copy the model that made the shards there",
    )  # fmt: skip


def _edges(path: Path) -> bytes:
    """Return a short digest of a file's name, size and both ends."""
    size = path.stat().st_size
    with path.open("rb") as f:
        head = f.read(EDGE_BYTES)
        f.seek(max(0, size - EDGE_BYTES))
        tail = f.read(EDGE_BYTES)
    return hashlib.sha256(f"{path.name}:{size}:".encode() + head + tail).digest()
