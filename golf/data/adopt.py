"""Text that lies elsewhere, taken up as a run's own: prepared already, or published shards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from golf.config.datasets import tokenizer_of
from golf.data.prepare import Prepared, prepare, read_prepared
from golf.data.shards import open_shard
from golf.errors import fail
from golf.files import read_json, write_json


def adopt(folder: Path, given: Path, vocab_size: int, seq_len: int, splits: Sequence[str]) -> None:
    """Prepare ``folder`` from what lies in ``given``: a prepared dataset is read where it lies.

    Args:
        folder: gets a dataset.json.
        given: absolute.
        vocab_size: of published shards' tokenizer.
        seq_len: published validation text is cut to whole sequences of it.
        splits: of ``train`` and ``val``, those that published shards must have.

    Raises:
        GolfError: neither is there, or it lacks something.
    """
    if (given / "dataset.json").exists():
        write_json(folder / "dataset.json", asdict(read_prepared(given)))
        return
    for split in splits:
        if not any("_bytes_" not in p.name for p in given.glob(f"*_{split}_*.bin")):
            what = f"no dataset.json and no *_{split}_*.bin shards here"
            raise fail(what, "give runs/data/KEY, or the folder of published shards", str(given))
    tokenizer = tokenizer_of(given, vocab_size)
    recipe = {
        "folder": str(given), "vocab_size": vocab_size, "seq_len": seq_len,
        "tokenizer": str(tokenizer) if tokenizer else None,
    }  # fmt: skip
    if read_json(folder / "recipe.json") != recipe:
        (folder / "dataset.json").unlink(missing_ok=True)
    write_json(folder / "recipe.json", recipe)
    prepare(folder)


def check_validation(dataset: Prepared, vocab_size: int, where: str) -> None:
    """Read the validation text again and hold it against what is said of it.

    Args:
        dataset: as ``dataset.json`` describes it.
        vocab_size: tokens that the model knows.
        where: what to call it.

    Raises:
        GolfError: its shards are others than those that were described, or unknown to the model.
    """
    tokens, sizes = (
        np.concatenate([np.zeros(0, "<u2"), *(open_shard(Path(p)) for p in files)])
        for files in (dataset.val, dataset.val_bytes)
    )
    digest = hashlib.sha256(tokens.tobytes()).hexdigest()
    counts = len(tokens), len(sizes), int(sizes[1:].sum(dtype=np.int64))
    told = dataset.val_tokens, dataset.val_tokens, dataset.val_raw_bytes
    if digest != dataset.val_sha256 or counts != told:
        what = "the validation shards, or their bytes, are not those that dataset.json describes"
        raise fail(what, "prepare the dataset again", where)
    highest = int(tokens.max(initial=0))
    if highest >= vocab_size:
        what = f"token {highest} in the validation text, the model knows {vocab_size}"
        raise fail(what, "give the data that it was trained on", where)
