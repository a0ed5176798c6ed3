"""CaseOps loses nothing, and its sidecar counts the bytes of the text that was written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.config.tokens import BOS
from golf.data.caseops import (
    ALL_CAPS,
    CAP_NEXT,
    ESCAPE,
    OPERATORS,
    TITLE,
    decode,
    encode,
    raw_bytes,
)
from golf.data.corpus import read_corpus
from golf.data.tokenizer import encode_exact, exact_bytes, train_tokenizer

PAIRS = json.loads((Path(__file__).parent / "fidelity" / "caseops.json").read_text())
QUICK = settings(deadline=None, max_examples=200)
TEXTS = st.text(
    st.sampled_from("aZbÉé'- \n09▁中" + "".join(OPERATORS)) | st.characters(codec="utf-8")
)


@pytest.fixture(scope="session")
def tokenizer() -> sentencepiece.SentencePieceProcessor:
    texts = [encode(text) for text in read_corpus("sotu-small").train]
    return train_tokenizer(texts, 400, OPERATORS)


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: repr(p[0])[:30])
def test_published_pairs(pair: list[str]) -> None:
    assert encode(pair[0]) == pair[1]
    assert decode(pair[1]) == pair[0]


@QUICK
@given(TEXTS)
def test_decoding_gives_the_text_back(text: str) -> None:
    encoded = encode(text)
    assert decode(encoded) == text
    assert not set(encoded) & set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize(
    "stream",
    [
        TITLE, ALL_CAPS + " ", CAP_NEXT + "1", ESCAPE, ESCAPE + "a", "a" + TITLE + "b",
        CAP_NEXT * 2 + "a", TITLE + ALL_CAPS + "a",
    ],
)  # fmt: skip
def test_a_stream_that_nobody_encoded_is_refused(stream: str) -> None:
    with pytest.raises(ValueError, match="belongs to no letter"):
        decode(stream)


def test_operators_are_the_first_symbols(tokenizer: sentencepiece.SentencePieceProcessor) -> None:
    assert tuple(tokenizer.id_to_piece(i) for i in range(4, 8)) == OPERATORS
    assert tokenizer.id_to_piece(9) == "<0x00>"


@QUICK
@given(TEXTS)
def test_the_sidecar_counts_the_raw_text(
    tokenizer: sentencepiece.SentencePieceProcessor, text: str
) -> None:
    ids = np.array([BOS, *encode_exact(tokenizer, encode(text))], "<u2")
    counted = raw_bytes(tokenizer, ids)
    assert len(counted) == len(ids)
    assert counted[0] == 0
    assert int(counted.sum()) == len(text.encode())
    assert set(counted[np.isin(ids, range(4, 8))].tolist()) <= {0, 3}


def test_an_escaped_operator_has_its_own_bytes(
    tokenizer: sentencepiece.SentencePieceProcessor,
) -> None:
    ids = encode_exact(tokenizer, encode(f"A{ESCAPE}{ESCAPE}b"))
    shown = list(
        zip(tokenizer.id_to_piece(ids), raw_bytes(tokenizer, np.array(ids)).tolist(), strict=True)
    )
    assert [n for piece, n in shown if piece in OPERATORS] == [0, 0, 3, 0, 3]


def test_a_word_has_the_same_pieces_however_it_is_written(
    tokenizer: sentencepiece.SentencePieceProcessor,
) -> None:
    spellings = [encode_exact(tokenizer, encode(w)) for w in ("congress", "Congress", "CONGRESS")]
    assert spellings[1] == [4, *spellings[0]]
    assert spellings[2] == [5, *spellings[0]]


def test_plain_tables_would_count_the_operators(
    tokenizer: sentencepiece.SentencePieceProcessor,
) -> None:
    ids = np.array(encode_exact(tokenizer, encode("The State of the Union")), "<u2")
    assert exact_bytes(tokenizer)[ids].sum() == raw_bytes(tokenizer, ids).sum() + 3 * 3
