"""Sets of layers: what each spelling means, and the one that keys see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.config.layers import format_layers, layer_set


@pytest.mark.parametrize(
    ("text", "depth", "expected"),
    [
        ("none", 3, []),
        ("all", 3, [0, 1, 2]),
        ("alternate", 1, [0]),
        ("alternate", 4, [1, 3]),
        ("alternate", 5, [0, 2, 4]),
        ("alternate", 8, [1, 3, 5, 7]),
        ("last:0", 3, []),
        ("last:2", 3, [1, 2]),
        ("last:11", 12, list(range(1, 12))),
        ("last:11", 11, list(range(11))),
        ("last:12", 11, list(range(11))),
        ("0", 3, [0]),
        ("9,10", 11, [9, 10]),
        ("2,0,2", 3, [0, 2]),
    ],
)
def test_a_set_has_these_layers(text: str, depth: int, expected: list[int]) -> None:
    assert sorted(layer_set(text, depth)) == expected


@pytest.mark.parametrize(
    "text", ["", "some", "last", "last:", "last:-1", "1-3", "1,", "1.5", "ALL"]
)
def test_another_text_is_refused_with_the_spellings_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="names no layers; write none, all, alternate, last:4"):
        layer_set(text, 3)


def test_a_listed_layer_must_be_there() -> None:
    with pytest.raises(ValueError, match="no layer 3 among 3, counted from 0"):
        layer_set("1,3", 3)


@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_one_set_has_one_spelling_that_is_read_back(case: tuple[int, set[int]]) -> None:
    depth, layers = case
    written = format_layers(frozenset(layers), depth)
    assert layer_set(written, depth) == layers
    assert format_layers(layer_set(written, depth), depth) == written
