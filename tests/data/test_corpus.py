"""The embedded corpus is the published one, whole and in date order."""

from __future__ import annotations

import hashlib
import json
import lzma
from importlib import resources
from pathlib import Path

import pytest

from golf.config.datasets import CORPORA, SOTU_SHA256
from golf.data import corpus
from golf.data.corpus import Documents, read_corpus
from golf.errors import GolfError


def text() -> str:
    file = resources.files("golf.data") / "embedded" / "sotu.jsonl.xz"
    return lzma.decompress(file.read_bytes()).decode("utf-8")


def sizes(documents: tuple[str, ...]) -> tuple[int, int]:
    return len(documents), sum(len(d.encode()) for d in documents)


@pytest.fixture(scope="module")
def sotu() -> Documents:
    return read_corpus("sotu")


def test_the_file_has_the_published_hash() -> None:
    assert hashlib.sha256(text().encode()).hexdigest() == SOTU_SHA256


def test_the_splits_have_the_published_sizes(sotu: Documents) -> None:
    assert sizes(sotu.train) == (211, 10_273_016)
    assert sizes(sotu.val) == (20, 975_926)


def test_no_document_is_in_both_splits(sotu: Documents) -> None:
    assert len({*sotu.train, *sotu.val}) == 211 + 20


def test_documents_stand_in_the_order_of_their_years() -> None:
    lines = [json.loads(line) for line in text().splitlines()]
    for split in ("train", "val"):
        years = [d["year"] for d in lines if d["split"] == split]
        assert years == sorted(years)


def test_every_document_survives_a_round_trip_through_utf_8(sotu: Documents) -> None:
    assert all(d and d.encode().decode() == d for d in (*sotu.train, *sotu.val))


def test_the_small_corpus_is_the_first_whole_documents_of_the_large_one(sotu: Documents) -> None:
    small, limits = read_corpus("sotu-small"), CORPORA["sotu-small"]
    for part, whole, most in (
        (small.train, sotu.train, limits.train_bytes),
        (small.val, sotu.val, limits.val_bytes),
    ):
        assert part == whole[: len(part)]
        assert sizes(part)[1] <= most < sizes(whole[: len(part) + 1])[1]


@pytest.mark.parametrize("name", CORPORA)
def test_planning_knows_the_number_of_validation_documents(name: str) -> None:
    assert len(read_corpus(name).val) == CORPORA[name].val_documents


def test_a_limit_below_the_first_document_still_keeps_it() -> None:
    assert corpus._first(["abc", "de"], 1) == ("abc",)
    assert corpus._first(["é", "é", "é"], 4) == ("é", "é")
    assert corpus._first(["abc", "de"], 0) == ("abc", "de")


PACKED = lzma.compress(b"{}" * 1000)
DAMAGED = {
    "another text": PACKED,
    "cut off": PACKED[:-20],
    "a pointer in its place": b"version https://git-lfs.github.com/spec/v1\n",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_corpus_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "embedded" / "sotu.jsonl.xz"
    path.parent.mkdir()
    path.write_bytes(DAMAGED[damage])
    monkeypatch.setattr(corpus.resources, "files", lambda package: tmp_path)
    with pytest.raises(GolfError, match="the embedded corpus is damaged") as caught:
        read_corpus("sotu")
    assert caught.value.problems[0].where == str(path)
