"""The embedded corpus: presidential messages 1790 to 2026, verified every time it is read.

Source, licence and how the file was built stand in ``golf/data/embedded/NOTICE.md``.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import dataclass
from importlib import resources

from golf.config.datasets import CORPORA, Corpus
from golf.errors import fail


@dataclass(frozen=True)
class Documents:
    """The texts of both splits, in date order; one document is one address."""

    train: tuple[str, ...]
    val: tuple[str, ...]


def read_corpus(name: str) -> Documents:
    """Return the documents of an embedded corpus.

    Raises:
        GolfError: the file in the package is not the one that was shipped.
    """
    corpus = CORPORA[name]
    file = resources.files("golf.data") / "embedded" / "sotu.jsonl.xz"
    try:
        blob = lzma.decompress(file.read_bytes())
    except (lzma.LZMAError, EOFError):
        blob = b""
    if hashlib.sha256(blob).hexdigest() != corpus.sha256:
        raise fail("the embedded corpus is damaged", "reinstall golf", str(file))
    return _split(corpus, blob)


def _split(corpus: Corpus, blob: bytes) -> Documents:
    documents = [json.loads(line) for line in blob.decode("utf-8").splitlines()]
    texts = {
        split: [d["text"] for d in documents if d["split"] == split] for split in ("train", "val")
    }
    return Documents(
        _first(texts["train"], corpus.train_bytes), _first(texts["val"], corpus.val_bytes)
    )


def _first(texts: list[str], most_bytes: int) -> tuple[str, ...]:
    """Return whole documents up to ``most_bytes``, at least one; all of them for 0."""
    kept: list[str] = []
    size = 0
    for text in texts:
        size += len(text.encode())
        if kept and most_bytes and size > most_bytes:
            break
        kept.append(text)
    return tuple(kept)
