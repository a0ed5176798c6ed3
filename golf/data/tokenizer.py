"""SentencePiece tokenizers that lose nothing, and how many bytes each token stands for.

Two ways to count. Our own tokenizers change no byte of the text, so a table per piece is
exact. Published tokenizers trim and normalise: their look-up tables count the normalised text
and charge a leading space only after ordinary tokens (parameter-golf, ``train_gpt.py``).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sentencepiece

from golf.config.tokens import BOS
from golf.errors import fail

SPACE = "\u2581"
COVERAGE = 0.9995  # of characters; the rare rest falls back to bytes

Tokens = npt.NDArray[np.uint16]


def train_tokenizer(
    texts: Iterable[str], vocab_size: int, symbols: Sequence[str] = ()
) -> sentencepiece.SentencePieceProcessor:
    """Train a byte-exact BPE tokenizer; deterministic for one SentencePiece version.

    Each of ``symbols`` becomes a piece of its own that never joins another (ids from 4).

    Rare characters fall back to bytes (coverage 0.9995). Items longer than SentencePiece's
    default limit would be dropped silently, hence the limit of 1 MiB.

    Raises:
        GolfError: the corpus is too small for ``vocab_size``.
    """
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=model, model_type="bpe",
            vocab_size=vocab_size, character_coverage=COVERAGE, byte_fallback=True,
            split_digits=True, normalization_rule_name="identity", add_dummy_prefix=False,
            remove_extra_whitespaces=False, allow_whitespace_only_pieces=False,
            user_defined_symbols=[*symbols, "\n"], pad_id=0, bos_id=BOS, eos_id=2, unk_id=3,
            hard_vocab_limit=True, max_sentence_length=1 << 20, input_sentence_size=0,
            shuffle_input_sentence=False, num_threads=1, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as error:
        what = f"no tokenizer with vocab_size {vocab_size} for this corpus: {error}"
        raise fail(what, "choose another vocab_size") from None
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def load_tokenizer(path: Path) -> sentencepiece.SentencePieceProcessor:
    """Read a SentencePiece model file.

    Raises:
        GolfError: it is none.
    """
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError):
        raise fail("not a SentencePiece model", where=str(path)) from None


def encode_exact(tokenizer: sentencepiece.SentencePieceProcessor, text: str) -> list[int]:
    """Encode without losing a literal U+2581, which SentencePiece would read as a space."""
    mark = [tokenizer.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE.encode()]
    ids: list[int] = []
    for i, part in enumerate(text.split(SPACE)):
        ids += (mark if i else []) + tokenizer.encode(part)
    return ids


def exact_bytes(tokenizer: sentencepiece.SentencePieceProcessor) -> Tokens:
    """Return the UTF-8 bytes of each token of a byte-exact tokenizer; 0 for control tokens."""
    return np.array([_piece_bytes(tokenizer, i, " ") for i in range(len(tokenizer))], "<u2")


def count_published(tokenizer: sentencepiece.SentencePieceProcessor, tokens: Tokens) -> Tokens:
    """Return the bytes of each token of a stream by the challenge's look-up tables.

    A leading space counts one byte unless the token before is a control token.

    Raises:
        GolfError: a tokenizer whose spaces these tables cannot count.
    """
    _check_spaces(tokenizer)
    size = max(len(tokenizer), int(tokens.max(initial=0)) + 1)
    base = np.zeros(size, "<u2")
    spaced, boundary = np.zeros(size, bool), np.ones(size, bool)
    for i in range(len(tokenizer)):
        base[i] = _piece_bytes(tokenizer, i, "")
        ordinary = not _is_control(tokenizer, i)
        spaced[i] = ordinary and tokenizer.id_to_piece(i).startswith(SPACE)
        boundary[i] = not ordinary
    before = np.concatenate([[True], boundary[tokens[:-1]]])
    counted: Tokens = (base[tokens] + (spaced[tokens] & ~before)).astype("<u2")
    return counted


def _check_spaces(tokenizer: sentencepiece.SentencePieceProcessor) -> None:
    """Refuse pieces that would make the tables drift from the text."""
    if tokenizer.piece_to_id(SPACE) == tokenizer.unk_id():
        raise fail("the tokenizer has no piece for a space alone, so its bytes cannot be counted")
    pieces = map(tokenizer.id_to_piece, range(len(tokenizer)))
    inner = next((p for p in pieces if SPACE in p[1:]), None)
    if inner is not None:
        raise fail(f"the tokenizer's piece {inner!r} has a space inside, which would count 3 bytes")


def _is_control(tokenizer: sentencepiece.SentencePieceProcessor, i: int) -> bool:
    return bool(tokenizer.is_control(i) or tokenizer.is_unknown(i) or tokenizer.is_unused(i))


def _piece_bytes(tokenizer: sentencepiece.SentencePieceProcessor, i: int, lead: str) -> int:
    """Return the bytes of a piece, with ``lead`` standing for a leading U+2581."""
    if _is_control(tokenizer, i):
        return 0
    if tokenizer.is_byte(i):
        return 1
    piece = tokenizer.id_to_piece(i)
    if piece.startswith(SPACE):
        piece = lead + piece[1:]
    return len((piece.replace(SPACE, " ") if lead else piece).encode())
