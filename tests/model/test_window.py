"""Which layers see everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.model.window import build_windows

PATTERNS = st.text("SL", min_size=1, max_size=12)


def letters(pattern: str, depth: int) -> str:
    return "".join("L" if w is None else "S" for w in build_windows(pattern, depth, 2048, 0.5))


@pytest.mark.parametrize(
    ("pattern", "percent"),
    [("SSSL", 25), ("SSLL", 50), ("SL", 50), ("L", 100), ("SSSLSSLL", 37.5), ("S", 12.5)],
)
def test_the_share_of_full_layers_is_the_published_one(pattern: str, percent: float) -> None:
    assert 100 * letters(pattern, 8).count("L") / 8 == percent


@pytest.mark.parametrize(
    ("pattern", "depth", "expected"),
    [
        ("SSSL", 6, "SSSLSL"),
        ("SL", 5, "SLSLL"),
        ("S", 1, "L"),
        ("SSSL", 2, "SL"),
        ("LS", 4, "LSLL"),
    ],
)
def test_the_pattern_repeats_and_the_last_layer_is_full(
    pattern: str, depth: int, expected: str
) -> None:
    assert letters(pattern, depth) == expected


@given(PATTERNS, st.integers(1, 40))
def test_every_layer_but_the_last_has_the_letter_of_its_place(pattern: str, depth: int) -> None:
    made = letters(pattern, depth)
    assert len(made) == depth
    assert made[-1] == "L"
    assert all(made[i] == pattern[i % len(pattern)] for i in range(depth - 1))


@pytest.mark.parametrize(("share", "tokens"), [(0.5, 1024), (0.25, 512), (0.001, 2), (1.0, 2048)])
def test_a_short_window_is_a_share_of_the_sequence(share: float, tokens: int) -> None:
    assert build_windows("SL", 2, 2048, share) == [tokens, None]
