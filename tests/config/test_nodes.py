"""YAML 1.2 scalars, with the place of every node."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.config.nodes import Items, Node, Scalar, Table, read_nodes
from golf.errors import GolfError

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure

PATH = Path("m.yaml")


def read(text: str) -> Node:
    return read_nodes(PATH, text)


def value(text: str) -> object:
    node = read(f"- {text}\n")
    assert isinstance(node, Items)
    (item,) = node.items
    assert isinstance(item, Scalar)
    return item.value


def plain(node: Node) -> object:
    """Return a node as lists and dicts."""
    if isinstance(node, Table):
        return {key.value: plain(body) for key, body in node.entries}
    return [plain(i) for i in node.items] if isinstance(node, Items) else node.value


@pytest.mark.parametrize("word", ["off", "on", "no", "yes", "Off", "NO", "y", "n", "1.2.3", "1e"])
def test_words_that_yaml_1_1_takes_for_something_else_stay_words(word: str) -> None:
    assert value(word) == word


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("1_000", 1000),
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-2.5e+3", -2500.0),
        ("0.05", 0.05),
        ("00.5", 0.5),
    ],
)
def test_plain_scalars_follow_yaml_1_2(text: str, expected: object) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("text", ["'true'", '"1e-4"', "'010'", '"~"', "'null'"])
def test_a_quoted_scalar_stays_a_word(text: str) -> None:
    assert value(text) == text[1:-1]


@pytest.mark.parametrize("text", ["010", "-017", "0x1F", "0o17", "0b11", "12:30", "1:2:3"])
def test_a_number_that_yaml_versions_read_differently_is_refused(text: str) -> None:
    with pytest.raises(GolfError) as caught:
        read(f"a:\n  - {text}\n")
    (problem,) = caught.value.problems
    assert (problem.where, problem.what.split()[0]) == ("m.yaml:2:5", text)


@QUICK
@given(st.integers(-(10**30), 10**30))
def test_whole_numbers_are_read_back_exactly(number: int) -> None:
    assert value(str(number)) == number


@QUICK
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_read_back_exactly(number: float) -> None:
    assert value(repr(number)) == number


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text("abc -#:é", max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=8,
)


@QUICK
@given(JSON)
def test_json_is_yaml(value: object) -> None:
    assert plain(read(json.dumps(value))) == value


def test_every_node_knows_its_line_and_column() -> None:
    table = read("a: 1\nbb:\n  - x\n  - {c: y}\n")
    assert isinstance(table, Table)
    (a, one), (bb, items) = table.entries
    assert isinstance(items, Items)
    inner = items.items[1]
    assert isinstance(inner, Table)
    nodes = [table, a, one, bb, items, *items.items, *inner.entries[0]]
    places = ["1:1", "1:1", "1:4", "2:1", "3:3", "3:5", "4:5", "4:6", "4:9"]
    assert [n.where for n in nodes] == [f"m.yaml:{p}" for p in places]


def test_every_duplicate_of_a_file_is_reported_with_its_first_line() -> None:
    with pytest.raises(GolfError) as caught:
        read("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    found = [(p.where, p.what) for p in caught.value.problems]
    assert found == [
        ("m.yaml:2:11", "'c' is set twice; first on line 2"),
        ("m.yaml:3:1", "'a' is set twice; first on line 1"),
    ]


@pytest.mark.parametrize(
    "text", ["a: [1\n", "a: b: c\n", "a: 'x\n", "a: *nowhere\n", "a: 1\n- b\n"]
)
def test_broken_yaml_is_reported_with_a_line_and_a_column(text: str) -> None:
    with pytest.raises(GolfError, match=r"^m\.yaml:\d+:\d+: not valid YAML"):
        read(text)


def test_a_second_document_is_refused() -> None:
    with pytest.raises(GolfError, match="not valid YAML"):
        read("a: 1\n---\nb: 2\n")
