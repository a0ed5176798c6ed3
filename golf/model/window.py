"""Attention windows per layer, from a pattern of letters: S short, L full."""

from __future__ import annotations


def build_windows(pattern: str, depth: int, seq_len: int, share: float) -> list[int | None]:
    """Return each layer's left context in tokens; None sees everything.

    The pattern repeats over the layers and the last layer is always full.
    Source: karpathy/autoresearch, ``WINDOW_PATTERN``.
    """
    short = int(seq_len * share)
    letters = [pattern[i % len(pattern)] for i in range(depth - 1)] + ["L"]
    return [short if letter == "S" else None for letter in letters]
