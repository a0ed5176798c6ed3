"""A dataset's recipe to the files that training and scoring read; needs no torch.

``dataset.json`` is written last and lists everything; a folder without it is unfinished.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from golf.config.tokens import BOS
from golf.data import caseops
from golf.data.corpus import read_corpus
from golf.data.published import check_total
from golf.data.shards import open_shard, write_shard
from golf.data.tokenizer import (
    Tokens,
    count_published,
    encode_exact,
    exact_bytes,
    load_tokenizer,
    train_tokenizer,
)  # fmt: skip
from golf.errors import fail
from golf.files import read_json, write_json


@dataclass(frozen=True)
class Prepared:
    """What ``dataset.json`` says.

    Attributes:
        train, val, val_bytes: shard files; the last holds the bytes of each validation token.
        counting: ``exact`` (raw UTF-8), ``sidecar`` (published) or ``lut (normalised text)``.
        val_tokens: tokens of the validation stream, its first BOS included.
        val_raw_bytes: bytes that all targets of the stream stand for.
        val_sha256: of the validation tokens; results with another one are not comparable.
    """

    train: list[str]
    val: list[str]
    val_bytes: list[str]
    vocab_size: int
    counting: str
    train_tokens: int
    val_tokens: int
    val_raw_bytes: int
    val_sha256: str


def read_prepared(folder: Path) -> Prepared:
    """Return a prepared dataset; file names become absolute paths.

    Raises:
        GolfError: the dataset was not prepared.
    """
    found = read_json(folder / "dataset.json")
    if found is None:
        raise fail("the dataset is not prepared", f"python -m golf.data {folder}", str(folder))
    if (
        not isinstance(found, dict)
        or found.keys() != {f.name for f in fields(Prepared)}
        or not all(map(_names_files, (found["train"], found["val"], found["val_bytes"])))
    ):
        what = "not a dataset.json that this version of golf can read"
        raise fail(what, "delete the folder to redo it", str(folder))
    for kind in ("train", "val", "val_bytes"):
        found[kind] = [str(folder / name) for name in found[kind]]
    return Prepared(**found)


def _names_files(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def prepare(folder: Path) -> None:
    """Prepare the dataset whose recipe lies in ``folder``, once, under a lock."""
    recipe = read_json(folder / "recipe.json")
    if recipe is None:
        raise fail("no recipe.json here", "`golf run` writes it", str(folder))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "dataset.json").exists():
            made = _adopt_shards(folder, recipe) if recipe["folder"] else _build(folder, recipe)
            write_json(folder / "dataset.json", asdict(made))


def _build(folder: Path, recipe: dict[str, Any]) -> Prepared:
    """Tokenize an embedded corpus: one BOS per document, bytes checked document by document."""
    documents, form = read_corpus(recipe["corpus"]), FORMS[bool(recipe.get("caseops"))]
    train_texts = [form.encode(text) for text in documents.train]
    tokenizer = train_tokenizer(train_texts, recipe["vocab_size"], form.symbols)
    (folder / "tokenizer.model").write_bytes(tokenizer.serialized_model_proto())
    streams = {}
    for split, texts in (("train", documents.train), ("val", documents.val)):
        ids = [encode_exact(tokenizer, form.encode(text)) for text in texts]
        if split == "val":
            _check_exact(tokenizer, form, ids, texts)
        streams[split] = np.array([i for document in ids for i in (BOS, *document)], "<u2")
    streams["val_bytes"] = form.count(tokenizer, streams["val"])
    names = {k: [f"{recipe['corpus']}_{k}_000000.bin"] for k in streams}
    for split, tokens in streams.items():
        write_shard(folder / names[split][0], tokens)
    raw_bytes = sum(len(text.encode()) for text in documents.val)
    return _describe(names, streams["val"], recipe, "exact", len(streams["train"]), raw_bytes)


@dataclass(frozen=True)
class Form:
    """How text is written before it is cut into tokens.

    Attributes:
        symbols: characters that are tokens of their own.
        encode, decode: to that form and back.
        count: bytes of the text itself that each token stands for.
    """

    symbols: tuple[str, ...]
    encode: Callable[[str], str]
    decode: Callable[[str], str]
    count: Callable[[Any, Tokens], Tokens]


def _count_plain(tokenizer: Any, ids: Tokens) -> Tokens:
    return exact_bytes(tokenizer)[ids]


FORMS = {
    False: Form((), str, str, _count_plain),
    True: Form(caseops.OPERATORS, caseops.encode, caseops.decode, caseops.raw_bytes),
}


def _check_exact(
    tokenizer: Any, form: Form, ids: Sequence[list[int]], texts: Sequence[str]
) -> None:
    """Refuse a tokenizer that loses or miscounts a byte of the validation text."""
    for document, text in zip(ids, texts, strict=True):
        exact = form.decode(tokenizer.decode(document)) == text
        counted = form.count(tokenizer, np.array(document, "<u2"))
        if not exact or int(counted.sum(dtype=np.int64)) != len(text.encode()):
            raise fail("the tokenizer does not keep every byte of the validation text")


def _describe(
    names: dict[str, list[str]],
    val: Tokens,
    recipe: dict[str, Any],
    counting: str,
    train: int,
    raw: int,
) -> Prepared:
    return Prepared(
        **names,
        vocab_size=recipe["vocab_size"],
        counting=counting,
        train_tokens=train,
        val_tokens=len(val),
        val_raw_bytes=raw,
        val_sha256=hashlib.sha256(val.tobytes()).hexdigest(),
    )


def _adopt_shards(folder: Path, recipe: dict[str, Any]) -> Prepared:
    """Use published shards where they lie; only the validation split is rewritten.

    It keeps ``((n - 1) // T) * T + 1`` tokens, as the challenge's scripts do, and gets a byte
    sidecar: the published one where there is one, the look-up tables' counts otherwise.
    """
    source, seq_len = Path(recipe["folder"]), recipe["seq_len"]
    train = sorted(source.glob("*_train_*.bin"))
    sidecars = sorted(source.glob("*_val_bytes_*.bin"))
    val = np.concatenate([open_shard(p) for p in _val_shards(source)])
    for shard in (val, *map(open_shard, train)):
        _check_ids(shard, recipe["vocab_size"], source)
    if sidecars:
        counted, counting = np.concatenate([open_shard(p) for p in sidecars]), "sidecar"
    else:
        tokenizer = load_tokenizer(Path(recipe["tokenizer"]))
        counted, counting = count_published(tokenizer, val), "lut (normalised text)"
    if len(counted) != len(val):
        raise fail(
            f"{len(counted)} byte counts for {len(val)} validation tokens", where=str(source)
        )
    kept = (len(val) - 1) // seq_len * seq_len + 1
    if kept < 2:
        what = f"{len(val)} validation tokens do not fill one sequence of {seq_len}"
        raise fail(what, "set a shorter seq_len", str(source))
    write_shard(folder / "val.bin", val[:kept])
    write_shard(folder / "val_bytes.bin", counted[:kept])
    tokens = sum(len(open_shard(p)) for p in train)
    raw_bytes = int(counted[1:kept].sum(dtype=np.int64))
    check_total(kept - 1, raw_bytes, str(source))
    names = {"train": list(map(str, train)), "val": ["val.bin"], "val_bytes": ["val_bytes.bin"]}
    return _describe(names, val[:kept], recipe, counting, tokens, raw_bytes)


def _val_shards(source: Path) -> list[Path]:
    return sorted(p for p in source.glob("*_val_*.bin") if "_bytes_" not in p.name)


def _check_ids(tokens: Tokens, vocab_size: int, source: Path) -> None:
    highest = int(tokens.max(initial=0))
    if highest >= vocab_size:
        what = f"token {highest} in the shards, but vocab_size is {vocab_size}"
        raise fail(what, "set vocab_size to the shards' vocabulary", str(source))
