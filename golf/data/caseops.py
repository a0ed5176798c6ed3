"""CaseOps: capital letters written as operators before lower-case words, without loss.

Four private-use characters stand for case; a tokenizer has them as symbols of their own, so
that a word has the same pieces however it is written. Only ASCII letters are touched.
Source: the ``caseops_v1`` tokenizers of parameter-golf PR 1729.
"""

from __future__ import annotations

import re

import numpy as np
import sentencepiece

from golf.data.tokenizer import Tokens, exact_bytes

TITLE, ALL_CAPS, CAP_NEXT, ESCAPE = OPERATORS = "\ue001", "\ue002", "\ue003", "\ue004"
PLAIN = re.compile("[A-Za-z]+|[\ue001-\ue004]")
ENCODED = re.compile(
    "\ue004(?P<itself>[\ue001-\ue004])|\ue002(?P<word>[a-z]+)"
    "|(?:(?<![A-Za-z])\ue001|\ue003)(?P<letter>[a-z])|(?P<stray>[\ue001-\ue004])"
)


def encode(text: str) -> str:
    """Return ``text`` with case as operators; any text may be encoded."""
    return PLAIN.sub(_encode_run, text)


def _encode_run(run: re.Match[str]) -> str:
    """Return one run of letters, or an operator that stood in the text, escaped."""
    word = run[0]
    if word in OPERATORS:
        return ESCAPE + word
    if len(word) > 1 and word.isupper():
        return ALL_CAPS + word.lower()
    first = TITLE if word[0].isupper() else ""
    rest = "".join(CAP_NEXT + c.lower() if c.isupper() else c for c in word[1:])
    return first + word[0].lower() + rest


def decode(text: str) -> str:
    """Return the text that ``encode`` was given.

    Raises:
        ValueError: an operator without the letter that it is for, or a title inside a word.
    """
    return ENCODED.sub(_decode_match, text)


def _decode_match(found: re.Match[str]) -> str:
    if found["stray"]:
        raise ValueError(f"operator U+{ord(found[0]):04X} at {found.start()} belongs to no letter")
    return found["itself"] or (found["word"] or found["letter"]).upper()


def raw_bytes(tokenizer: sentencepiece.SentencePieceProcessor, ids: Tokens) -> Tokens:
    """Return the UTF-8 bytes of the text before ``encode`` that each token stands for.

    Operators count nothing, an escaped one its own three bytes; BOS counts nothing.

    Args:
        tokenizer: byte-exact, with the operators among its symbols.
        ids: one or more whole documents.
    """
    counted = exact_bytes(tokenizer)[ids]
    pieces = {i: tokenizer.id_to_piece(i) for i in range(len(tokenizer))}
    special = {i for i, piece in pieces.items() if set(piece) & set(OPERATORS)}
    escaped = False
    for place in np.flatnonzero(np.isin(ids, list(special))).tolist():
        counted[place], escaped = _piece_bytes(pieces[int(ids[place])], escaped)
    return counted


def _piece_bytes(piece: str, escaped: bool) -> tuple[int, bool]:
    """Return a piece's raw bytes, and whether the next operator stands for itself."""
    size = 0
    for character in piece.replace("\u2581", " "):
        if character in OPERATORS and not escaped:
            escaped = character == ESCAPE
        else:
            size, escaped = size + len(character.encode()), False
    return size, escaped
