"""A recipe becomes shards whose bytes add up, wherever the published folder lies."""

from __future__ import annotations

import hashlib
import io
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
import sentencepiece

from golf.config.datasets import find_dataset
from golf.data.corpus import read_corpus
from golf.data.prepare import Prepared, prepare, read_prepared
from golf.data.published import TOTALS
from golf.data.shards import open_shard, write_shard
from golf.data.tokenizer import (
    BOS,
    Tokens,
    count_published,
    encode_exact,
    exact_bytes,
    load_tokenizer,
    train_tokenizer,
)
from golf.errors import GolfError
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


@pytest.mark.parametrize("seq_len", [2, 7, 10, 16, 70])
def test_published_validation_keeps_whole_sequences_and_one_token(
    tmp_path: Path, published: Path, seq_len: int
) -> None:
    data = adopted(published, tmp_path / "data", seq_len)
    files = sorted((published / SHARDS).glob("*_val_*.bin"))
    whole = np.concatenate([open_shard(f) for f in files])
    kept = (71 - 1) // seq_len * seq_len + 1
    assert np.array_equal(tokens(data.val), whole[:kept])
    assert data.val_tokens == kept


def test_published_shards_are_counted_by_the_published_tables(
    tmp_path: Path, published: Path
) -> None:
    data = adopted(published, tmp_path / "data")
    counted = count_published(load_tokenizer(published / MODEL), tokens(data.val))
    assert np.array_equal(tokens(data.val_bytes), counted)
    assert data.val_raw_bytes == counted[1:].sum()
    assert data.counting == "lut (normalised text)"


def test_published_train_shards_are_used_where_they_lie(tmp_path: Path, published: Path) -> None:
    data = adopted(published, tmp_path / "data")
    found = sorted(str(p) for p in (published / SHARDS).glob("*_train_*.bin"))
    assert (data.train, data.train_tokens) == (found, 140)


def sidecar(project: Path, *sizes: int) -> None:
    """Write byte counts that the look-up tables would never give."""
    for i, size in enumerate(sizes):
        path = project / SHARDS / f"fineweb_val_bytes_{i:06d}.bin"
        write_shard(path, np.full(size, 1000 + i, "<u2"))


def test_a_published_sidecar_is_believed_before_the_tables(tmp_path: Path, published: Path) -> None:
    sidecar(published, 41, 30)
    data = adopted(published, tmp_path / "data")
    assert data.counting == "sidecar"
    assert tokens(data.val_bytes).tolist() == [1000] * 41 + [1001] * 24
    assert data.val_raw_bytes == 40 * 1000 + 24 * 1001
    assert len(tokens(data.val)) == 65


def test_a_sidecar_needs_no_tokenizer(tmp_path: Path, published: Path) -> None:
    sidecar(published, 41, 30)
    (published / MODEL).unlink()
    assert adopted(published, tmp_path / "data").counting == "sidecar"


def test_a_sidecar_of_another_length_is_refused(tmp_path: Path, published: Path) -> None:
    sidecar(published, 41)
    with pytest.raises(GolfError, match="41 byte counts for 71 validation tokens"):
        adopted(published, tmp_path / "data")


def test_shards_of_a_larger_vocabulary_are_refused(tmp_path: Path, published: Path) -> None:
    write_shard(published / SHARDS / "fineweb_val_000001.bin", np.full(9, 700, "<u2"))
    with pytest.raises(GolfError, match=r"token 700 .* but vocab_size is 512") as caught:
        adopted(published, tmp_path / "data")
    assert caught.value.problems[0].where == str(published / SHARDS)


def test_a_cut_off_train_shard_is_refused_before_anything_is_trained(
    tmp_path: Path, published: Path
) -> None:
    path = published / SHARDS / "fineweb_train_000001.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(GolfError, match="the file is cut off"):
        adopted(published, tmp_path / "data")
    assert not (tmp_path / "data" / "dataset.json").exists()


def test_validation_shorter_than_one_sequence_is_refused(tmp_path: Path, published: Path) -> None:
    with pytest.raises(GolfError):
        adopted(published, tmp_path / "data", seq_len=128)


@pytest.mark.parametrize("missing", ["*_train_*", "*_val_*", "*"])
def test_a_folder_without_both_splits_is_no_dataset(published: Path, missing: str) -> None:
    for path in (published / SHARDS).glob(missing):
        path.unlink()
    with pytest.raises(GolfError, match="no folder with"):
        find_dataset(str(SHARDS), 512, published)


def test_byte_counts_alone_are_no_validation_split(published: Path) -> None:
    for path in (published / SHARDS).glob("*_val_*"):
        path.unlink()
    sidecar(published, 71)
    with pytest.raises(GolfError):
        find_dataset(str(SHARDS), 512, published)


def test_shards_without_a_way_to_count_bytes_are_no_dataset(published: Path) -> None:
    with pytest.raises(GolfError, match=r"no tokenizer at .*fineweb_1024_bpe\.model"):
        find_dataset(str(SHARDS), 1024, published)


def test_the_fingerprint_stays_when_the_folder_moves(tmp_path: Path, published: Path) -> None:
    before = find_dataset(str(SHARDS), 512, published)
    published.rename(tmp_path / "elsewhere")
    after = find_dataset(str(SHARDS), 512, tmp_path / "elsewhere")
    assert after.fingerprint == before.fingerprint
    assert after.folder != before.folder


@pytest.mark.parametrize("change", ["token", "rename", "shard", "tokenizer"])
def test_another_file_is_another_fingerprint(tmp_path: Path, published: Path, change: str) -> None:
    before = find_dataset(str(SHARDS), 512, published).fingerprint
    other = tmp_path / "other"
    shutil.copytree(published, other)
    shard = other / SHARDS / "fineweb_val_000001.bin"
    if change == "token":
        write_shard(shard, open_shard(shard)[::-1])
    elif change == "rename":
        shard.rename(shard.with_name("fineweb_val_000002.bin"))
    elif change == "shard":
        write_shard(shard.with_name("fineweb_train_000002.bin"), np.zeros(9, "<u2"))
    else:
        (other / MODEL).write_bytes(b"x")
    assert find_dataset(str(SHARDS), 512, other).fingerprint != before


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


def test_a_published_split_with_other_bytes_is_refused(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = adopted(published, tmp_path / "right")
    targets = right.val_tokens - 1
    monkeypatch.setitem(TOTALS, targets, right.val_raw_bytes)
    assert adopted(published, tmp_path / "again") == replace(right, val=ANY, val_bytes=ANY)
    monkeypatch.setitem(TOTALS, targets, right.val_raw_bytes + 1)
    with pytest.raises(GolfError, match=f"{targets} targets are a published split"):
        adopted(published, tmp_path / "wrong")


def test_the_published_totals_are_one_text() -> None:
    assert max(TOTALS.values()) / min(TOTALS.values()) < 1.0001
    per_token = {round(n / t, 5) for t, n in TOTALS.items()}
    assert per_token == {2.43592, 3.31968, 3.72663, 3.72598, 3.15715}


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
