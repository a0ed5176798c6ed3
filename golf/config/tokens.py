"""The first ids of every tokenizer of the field."""

from __future__ import annotations

BOS = 1  # begins each document
CONTROL_TOKENS = 4  # pad, BOS, EOS, unknown
