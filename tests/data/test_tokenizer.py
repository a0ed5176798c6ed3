"""No tokenizer of ours loses a byte, and published ones are counted as published."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.data.corpus import read_corpus
from golf.data.tokenizer import (
    BOS,
    count_published,
    encode_exact,
    exact_bytes,
    load_tokenizer,
    train_tokenizer,
)
from golf.errors import GolfError

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure

Tokenizer = sentencepiece.SentencePieceProcessor

# (name, text, error in bytes of the challenge's counting) from reference/data.md
EDGES = [
    ("nothing", "", 0),
    ("words", "Hello world", 0),
    ("leading space", " Hello world", -1),
    ("two leading spaces", "  Hello world", -2),
    ("trailing space", "Hello world ", -1),
    ("double space", "Hello  world", -1),
    ("tab", "a\tb\t\tc", -1),
    ("newline", "a\nb", 0),
    ("blank line and trailing newline", "a\n\nb\n", -2),
    ("carriage return", "a\r\nb", -1),
    ("no-break space", "a\u00a0b", -1),
    ("ideographic space", "a\u3000b", -2),
    ("line separator", "a\u2028b", -2),
    ("fractions and ligatures", "½ ° ﬁ", 2),
    ("combining accent", "cafe\u0301", -1),
    ("byte order mark", "\ufeffabc", -3),
    ("emoji, joined", "a \U0001f468\u200d\U0001f469\u200d\U0001f467 b", 0),
    ("CJK", "日本語", 0),
    ("NUL", "a\0b", 0),
    ("names of control tokens", "<s> </s> <unk> <0x41>", 0),
    ("only spaces", "   ", -3),
    ("literal U+2581", "a▁b", -2),
    ("leading U+2581", "▁▁ a ▁", None),
    ("indent", "def f():\n    return  1\n", None),
    ("controls", "\x01\x02a\x7f\x1b[0m", None),
    ("last code point", "\U0010ffff", None),
]


@pytest.fixture(scope="session")
def exact() -> Tokenizer:
    return train_tokenizer(read_corpus("sotu-small").train, 384)


@pytest.fixture(scope="session")
def published() -> Tokenizer:
    """Return a tokenizer with the settings of the challenge: normalises, trims, no prefix."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(read_corpus("sotu-small").train), model_writer=model,
        model_type="bpe", vocab_size=512, byte_fallback=True, split_digits=True,
        normalization_rule_name="nmt_nfkc", add_dummy_prefix=False, pad_id=0, bos_id=1, eos_id=2,
        unk_id=3, character_coverage=0.9995, max_sentence_length=1 << 20, minloglevel=2,
    )  # fmt: skip
    return Tokenizer(model_proto=model.getvalue())


def slow_count(sp: Tokenizer, tokens: list[int]) -> list[int]:
    """Return bytes by the challenge's rule, one token after the other."""
    counted = []
    for i, token in enumerate(tokens):
        if sp.is_control(token) or sp.is_unknown(token) or sp.is_unused(token):
            counted.append(0)
        elif sp.is_byte(token):
            counted.append(1)
        else:
            piece = sp.id_to_piece(token)
            spaced = piece.startswith("▁")
            before = tokens[i - 1] if i else BOS
            start = sp.is_control(before) or sp.is_unknown(before) or sp.is_unused(before)
            size = len((piece[1:] if spaced else piece).encode())
            counted.append(size + (1 if spaced and not start else 0))
    return counted


@pytest.mark.parametrize("text", [e[1] for e in EDGES], ids=[e[0] for e in EDGES])
def test_our_tokenizer_keeps_and_counts_every_byte(exact: Tokenizer, text: str) -> None:
    ids = encode_exact(exact, text)
    assert exact.decode(ids) == text
    assert exact_bytes(exact)[ids].sum() == len(text.encode())


@QUICK
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_our_tokenizer_keeps_and_counts_every_byte_of_any_text(exact: Tokenizer, text: str) -> None:
    ids = encode_exact(exact, text)
    assert exact.decode(ids) == text
    assert exact_bytes(exact)[ids].sum() == len(text.encode())


@QUICK
@given(text=st.text("ab ▁\n.1é", max_size=30))
def test_our_tokenizer_keeps_and_counts_spaces_and_their_mark(exact: Tokenizer, text: str) -> None:
    ids = encode_exact(exact, text)
    assert exact.decode(ids) == text
    assert exact_bytes(exact)[ids].sum() == len(text.encode())


def test_every_byte_count_is_the_length_of_what_the_token_says(exact: Tokenizer) -> None:
    a, table = exact.encode("a"), exact_bytes(exact)
    for i in range(len(exact)):
        if not exact.is_control(i) and not exact.is_unknown(i) and not exact.is_byte(i):
            assert table[i] == len(exact.decode([*a, i]).encode()) - 1, exact.id_to_piece(i)


def test_control_tokens_stand_for_no_bytes_and_byte_tokens_for_one(exact: Tokenizer) -> None:
    table = exact_bytes(exact)
    assert (len(table), table[:4].tolist()) == (384, [0, 0, 0, 0])
    assert [exact.id_to_piece(i) for i in range(4)] == ["<pad>", "<s>", "</s>", "<unk>"]
    assert exact.bos_id() == BOS
    assert [int(table[exact.piece_to_id(f"<0x{b:02X}>")]) for b in range(256)] == [1] * 256


def test_training_a_tokenizer_twice_gives_the_same_model(exact: Tokenizer) -> None:
    again = train_tokenizer(read_corpus("sotu-small").train, 384)
    assert again.serialized_model_proto() == exact.serialized_model_proto()


def test_a_newline_is_one_token(exact: Tokenizer) -> None:
    assert len(encode_exact(exact, "\n\n")) == 2


def test_a_model_file_gives_the_same_tokens(exact: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "m.model").write_bytes(exact.serialized_model_proto())
    loaded = load_tokenizer(tmp_path / "m.model")
    assert loaded.encode("of the Union") == exact.encode("of the Union")


@pytest.mark.parametrize("vocab_size", [300, 60_000])
def test_a_vocabulary_that_the_corpus_cannot_fill_is_refused(vocab_size: int) -> None:
    with pytest.raises(GolfError, match=f"no tokenizer with vocab_size {vocab_size}"):
        train_tokenizer(["so short a text"], vocab_size)


PUBLISHED = [e for e in EDGES if e[2] is not None]


@pytest.mark.parametrize(("name", "text", "error"), PUBLISHED, ids=[e[0] for e in PUBLISHED])
def test_published_counting_is_off_by_the_published_error(
    published: Tokenizer, name: str, text: str, error: int
) -> None:
    stream = np.array([BOS, *published.encode(text)], "<u2")
    assert int(count_published(published, stream).sum()) - len(text.encode()) == error


@QUICK
@given(tokens=st.lists(st.integers(0, 511), min_size=1, max_size=50))
def test_published_counting_equals_a_loop_over_the_tokens(
    published: Tokenizer, tokens: list[int]
) -> None:
    found = count_published(published, np.array(tokens, "<u2"))
    assert found.tolist() == slow_count(published, tokens)
    assert found.dtype == np.uint16


def test_a_leading_space_counts_after_a_word_and_not_after_a_control_token(
    published: Tokenizer,
) -> None:
    the = next(i for i in range(512) if published.id_to_piece(i) == "▁the")
    counted = count_published(published, np.array([BOS, the, the, 2, the, 3, the], "<u2"))
    assert counted.tolist() == [0, 3, 4, 0, 3, 0, 3]


def test_a_token_beyond_the_vocabulary_counts_nothing(published: Tokenizer) -> None:
    assert count_published(published, np.array([BOS, 600], "<u2")).tolist() == [0, 0]


def test_on_normal_text_published_counting_equals_exact_counting(exact: Tokenizer) -> None:
    text = "Fellow citizens of the Senate and of the House of Representatives: "
    stream = np.array([BOS, *encode_exact(exact, text * 50)], "<u2")
    assert count_published(exact, stream).tolist() == exact_bytes(exact)[stream].tolist()
