"""Published shards are used as they lie, counted as published, or refused with the reason."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest

from golf.config.datasets import find_dataset
from golf.data.adopt import adopt, check_validation
from golf.data.prepare import Prepared, read_prepared
from golf.data.published import TOTALS
from golf.data.shards import open_shard, write_shard
from golf.data.tokenizer import (
    count_published,
    load_tokenizer,
)
from golf.errors import GolfError
from tests.data.prepared import MODEL, SHARDS, adopted, sidecar, tokens


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


def taken_up(project: Path, folder: Path, *splits: str) -> Prepared:
    adopt(folder, project / SHARDS, 512, 16, splits)
    return read_prepared(folder)


def test_shards_are_taken_up_as_planning_prepares_them(tmp_path: Path, published: Path) -> None:
    planned = adopted(published, tmp_path / "planned")
    found = taken_up(published, tmp_path / "found", "train", "val")
    assert replace(found, val=[], val_bytes=[]) == replace(planned, val=[], val_bytes=[])
    again = tmp_path / "again"
    adopt(again, tmp_path / "found", 512, 16, ())
    assert read_prepared(again) == found


def test_other_shards_take_the_place_of_those_that_were_taken_up(
    tmp_path: Path, published: Path
) -> None:
    first = taken_up(published, tmp_path / "found", "val")
    other = tmp_path / "other"
    shutil.copytree(published, other)
    shard = min((other / SHARDS).glob("*_val_*.bin"))
    data = bytearray(shard.read_bytes())
    data[-1], data[-2] = 0, 1 + data[-2] % 2
    shard.write_bytes(data)
    assert taken_up(other, tmp_path / "found", "val").val_sha256 != first.val_sha256


@pytest.mark.parametrize("val", [5, [1], "val.bin"])
def test_a_description_that_names_no_files_is_refused(
    tmp_path: Path, published: Path, val: object
) -> None:
    taken_up(published, tmp_path / "found", "val")
    file = tmp_path / "found" / "dataset.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "val": val}))
    with pytest.raises(GolfError, match=r"not a dataset\.json that this version"):
        read_prepared(tmp_path / "found")


def test_scoring_needs_no_training_shards(tmp_path: Path, published: Path) -> None:
    for shard in (published / SHARDS).glob("*_train_*.bin"):
        shard.unlink()
    found = taken_up(published, tmp_path / "found", "val")
    assert (found.train, found.val_tokens) == ([], 65)
    with pytest.raises(GolfError, match=r"no \*_train_\*\.bin shards here"):
        taken_up(published, tmp_path / "more", "train", "val")


def test_what_text_lacks_is_named(tmp_path: Path, published: Path) -> None:
    (published / MODEL).rename(published / "elsewhere")
    with pytest.raises(GolfError, match=r"no tokenizer at .*fineweb_512_bpe\.model"):
        taken_up(published, tmp_path / "a", "val")
    (published / MODEL).write_bytes(b"no model")
    with pytest.raises(GolfError, match="not a SentencePiece model"):
        taken_up(published, tmp_path / "b", "val")
    for shard in (published / SHARDS).glob("*_val_*.bin"):
        shard.rename(shard.with_name(shard.name.replace("_val_", "_val_bytes_")))
    with pytest.raises(GolfError, match=r"no \*_val_\*\.bin shards here"):
        taken_up(published, tmp_path / "c", "val")
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(GolfError, match=r"not a dataset\.json that this version"):
        adopt(tmp_path / "d", tmp_path, 512, 16, ())


@pytest.mark.parametrize("kind", ["val", "val_bytes"])
def test_text_that_changed_beside_its_description_is_found_out(
    tmp_path: Path, published: Path, kind: str
) -> None:
    data = taken_up(published, tmp_path / "data", "val")
    check_validation(data, 512, "here")
    (path,) = map(Path, getattr(data, kind))
    changed = np.array(open_shard(path))
    changed[7] ^= 1
    write_shard(path, changed)
    with pytest.raises(GolfError, match="here: the validation shards, or their bytes, are not"):
        check_validation(data, 512, "here")
    path.unlink()
    with pytest.raises(GolfError, match="the shard is not there"):
        check_validation(data, 512, "here")


def test_text_beyond_the_models_vocabulary_is_refused(tmp_path: Path, published: Path) -> None:
    data = taken_up(published, tmp_path / "data", "val")
    with pytest.raises(GolfError, match="in the validation text, the model knows 100"):
        check_validation(data, 100, "here")
