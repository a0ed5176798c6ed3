"""A value becomes the declared type of its knob, or a message that names what was found."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.config.knob import Knob, Value
from golf.config.names import find_knob
from golf.config.nodes import Items, Scalar, read_nodes
from golf.config.schema import KNOBS
from golf.config.values import BadValueError, coerce, format_value

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure

ALL = pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda k: k.name)
BOUNDED = [k for k in KNOBS.values() if (k.at_least, k.at_most) != (None, None)]


def refusal(name: str, raw: object) -> BadValueError:
    with pytest.raises(BadValueError) as caught:
        coerce(find_knob(name), raw)
    return caught.value


def read_back(written: str) -> object:
    """Return a value as the loader would read it from a list in YAML."""
    node = read_nodes(Path("m.yaml"), f"- {written}\n")
    assert isinstance(node, Items)
    (item,) = node.items
    if isinstance(item, Items):
        return [i.value for i in item.items if isinstance(i, Scalar)]
    assert isinstance(item, Scalar)
    return item.value


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("depth", 6, 6),
        ("mlp_mult", 4, 4.0),
        ("mlp_mult", 2.5, 2.5),
        ("logit_softcap", None, None),
        ("logit_softcap", 15, 15.0),
        ("value_embed", "all", "all"),
        ("geometries", "chunked", ("chunked",)),
        ("geometries", ["chunked", "sliding8"], ("chunked", "sliding8")),
        ("leaky_slope", 1, 1.0),
        ("leaky_slope", 0, 0.0),
    ],
)
def test_a_legal_value_gets_the_declared_type(name: str, raw: object, expected: object) -> None:
    found = coerce(find_knob(name), raw)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("depth", 6.0, "model.depth wants int, found 6.0"),
        ("depth", True, "model.depth wants int, found True"),
        ("depth", "6", "model.depth wants int, found '6'"),
        ("depth", [6], "model.depth wants int, found [6]"),
        ("depth", None, "model.depth wants int, found null"),
        ("mlp_mult", False, "model.mlp_mult wants float, found False"),
        ("logit_softcap", "off", "model.logit_softcap wants float or null, found 'off'"),
        ("dataset", 3, "data.dataset wants str, found 3"),
        ("geometries", [1], "eval.geometries wants a list of names, found [1]"),
        ("geometries", 3, "eval.geometries wants a list of names, found 3"),
        ("geometries", [], "eval.geometries wants at least one name, each once, found []"),
        ("bits", 9, "quant.bits is one of 2, 3, 4, 5, 6, 7, 8, found 9"),
        ("depth", 0, "model.depth is at least 1 layer, found 0"),
        ("leaky_slope", 1.01, "model.leaky_slope is at most 1, found 1.01"),
        ("rope_base", float("inf"), "model.rope_base wants a finite number, found inf"),
        ("rope_base", float("nan"), "model.rope_base wants a finite number, found nan"),
    ],
)
def test_an_illegal_value_is_refused_in_these_words(name: str, raw: object, message: str) -> None:
    assert str(refusal(name, raw)) == message


def test_a_geometry_listed_twice_is_refused() -> None:
    assert "each once" in refusal("geometries", ["chunked", "chunked"]).what


def test_a_refused_word_suggests_the_closest_choice() -> None:
    assert refusal("attn_gate", "out_gates").hint == "did you mean 'out_gate'?"


@pytest.mark.parametrize(("name", "off"), [("logit_softcap", "null"), ("warmup_frac", "0")])
def test_a_wrong_type_says_how_the_knob_is_switched_off(name: str, off: str) -> None:
    assert refusal(name, "off").hint == f"to switch it off, write {off}"


@pytest.mark.parametrize("knob", BOUNDED, ids=lambda k: k.name)
def test_the_bounds_themselves_are_legal_and_beyond_them_is_not(knob: Knob) -> None:
    beyond = {knob.at_least: -1, knob.at_most: 1}
    for bound, direction in beyond.items():
        if bound is not None:
            assert coerce(knob, knob.kind(bound)) == bound
            with pytest.raises(BadValueError, match=r"at least|at most"):
                coerce(knob, knob.kind(bound + direction))


@ALL
def test_defaults_and_choices_are_legal(knob: Knob) -> None:
    for value in (knob.default, *knob.choices):
        assert coerce(knob, value) == value


@ALL
def test_a_printed_default_and_example_are_read_back_as_the_same_value(knob: Knob) -> None:
    for value in (knob.default, knob.example):
        assert coerce(knob, read_back(format_value(value))) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (15.0, "15"),
        (0.04, "0.04"),
        (1e-8, "1e-08"),
        (7, "7"),
        ("SL", "SL"),
        (("chunked", "sliding8"), "[chunked, sliding8]"),
    ],
)
def test_values_print_as_a_user_would_write_them(value: Value, text: str) -> None:
    assert format_value(value) == text


@QUICK
@given(st.floats(0.1, 1e9))
def test_two_different_numbers_never_print_alike(number: float) -> None:
    assert float(format_value(number)) == number


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.text(max_size=3), max_size=3),
)


@QUICK
@given(st.sampled_from(list(KNOBS.values())), ANYTHING)
def test_whatever_is_accepted_has_the_declared_type_and_stays_as_it_is(
    knob: Knob, raw: object
) -> None:
    try:
        value = coerce(knob, raw)
    except BadValueError as error:
        assert knob.name in error.what
        return
    assert type(value) is knob.kind or (knob.optional and value is None)
    assert coerce(knob, value) == value
