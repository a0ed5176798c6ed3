"""A recipe becomes shards whose bytes add up."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import sentencepiece

from golf.config.datasets import find_dataset
from golf.data.corpus import read_corpus
from golf.data.prepare import Prepared, prepare, read_prepared
from golf.data.tokenizer import (
    BOS,
    count_published,
    encode_exact,
    exact_bytes,
    load_tokenizer,
    train_tokenizer,
)
from golf.errors import GolfError
from tests.data.prepared import adopted, made, tokens


def test_every_document_is_one_bos_and_its_own_text(embedded: Prepared) -> None:
    documents = read_corpus("sotu-small")
    tokenizer = load_tokenizer(Path(embedded.train[0]).parent / "tokenizer.model")
    for files, texts in ((embedded.train, documents.train), (embedded.val, documents.val)):
        stream = tokens(files)
        starts = np.flatnonzero(stream == BOS)
        assert starts[0] == 0
        parts = np.split(stream, starts[1:])
        assert tuple(tokenizer.decode(p[1:].tolist()) for p in parts) == texts


def test_the_denominator_is_the_raw_utf_8_bytes(embedded: Prepared) -> None:
    raw = sum(len(text.encode()) for text in read_corpus("sotu-small").val)
    assert embedded.val_raw_bytes == raw
    assert tokens(embedded.val_bytes).sum(dtype=np.int64) == raw
    assert embedded.counting == "exact"


def test_the_numbers_of_a_prepared_dataset_are_those_of_its_files(embedded: Prepared) -> None:
    val = tokens(embedded.val)
    assert (embedded.train_tokens, embedded.val_tokens) == (len(tokens(embedded.train)), len(val))
    assert len(tokens(embedded.val_bytes)) == len(val)
    assert embedded.val_sha256 == hashlib.sha256(val.astype("<u2").tobytes()).hexdigest()
    assert embedded.vocab_size == 384 > tokens(embedded.train).max()


def test_the_whole_corpus_has_the_published_number_of_validation_tokens() -> None:
    documents = read_corpus("sotu")
    tokenizer = train_tokenizer(documents.train, 1024)
    ids = [encode_exact(tokenizer, text) for text in documents.val]
    assert sum(len(document) + 1 for document in ids) == 341_251
    table = exact_bytes(tokenizer)
    assert sum(int(table[document].sum()) for document in ids) == 975_926


def test_a_prepared_dataset_is_not_prepared_again(tmp_path: Path, published: Path) -> None:
    first = adopted(published, tmp_path / "data")
    shutil.rmtree(published)
    prepare(tmp_path / "data")
    assert read_prepared(tmp_path / "data") == first


def test_processes_that_prepare_at_once_make_one_dataset(tmp_path: Path, published: Path) -> None:
    folder = tmp_path / "data"
    adopted(published, folder)
    (folder / "dataset.json").unlink()
    before = (folder / "val.bin").read_bytes()
    threads = [threading.Thread(target=prepare, args=(folder,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["dataset.json", "lock", "recipe.json", "val.bin", "val_bytes.bin"]
    assert (folder / "val.bin").read_bytes() == before


def test_a_folder_without_a_recipe_or_a_dataset_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(GolfError, match=r"no recipe\.json here"):
        prepare(tmp_path)
    with pytest.raises(GolfError, match="is not prepared"):
        read_prepared(tmp_path)


def test_the_embedded_corpora_have_fingerprints_of_their_own() -> None:
    found = {find_dataset(name, 512, Path()).fingerprint for name in ("sotu", "sotu-small")}
    assert len(found) == 2


def test_case_operators_change_the_tokens_and_not_the_bytes(tmp_path: Path) -> None:
    plain, cased = (
        made(tmp_path / name, corpus="sotu-small", vocab_size=400, **extra)
        for name, extra in (("plain", {}), ("cased", {"caseops": True}))
    )
    assert cased.val_raw_bytes == plain.val_raw_bytes
    assert tokens(cased.val_bytes).sum(dtype=np.int64) == plain.val_raw_bytes
    assert cased.val_sha256 != plain.val_sha256
    ids, counted = tokens(cased.val), tokens(cased.val_bytes)
    assert not counted[np.isin(ids, [BOS, 4, 5, 6])].any()
    documents = read_corpus("sotu-small").val
    starts = np.flatnonzero(ids == BOS)
    sizes = [int(part.sum()) for part in np.split(counted, starts[1:])]
    assert sizes == [len(text.encode()) for text in documents]


def trained(text: str, **how: object) -> sentencepiece.SentencePieceProcessor:
    """Train a model on one sentence, said over and over."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text] * 50), model_writer=model, model_type="bpe", vocab_size=280,
        byte_fallback=True, add_dummy_prefix=False, pad_id=0, bos_id=1, eos_id=2, unk_id=3,
        hard_vocab_limit=False, minloglevel=2, **how,
    )  # fmt: skip
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def test_a_tokenizer_that_the_tables_cannot_count_is_refused() -> None:
    none = np.zeros(0, "<u2")
    with pytest.raises(GolfError, match="no piece for a space alone"):
        count_published(trained("nospacesanywhere"), none)
    with pytest.raises(GolfError, match="has a space inside"):
        count_published(trained("we the people", split_by_whitespace=False), none)
