"""Formulas are arithmetic over knob names and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.config.formula import FormulaError, parse_formula
from golf.config.schema import KNOBS

VALUES = {n: k.default for n, k in KNOBS.items()} | {
    "model.depth": 6,
    "model.model_dim": 384,
    "model.head_dim": 64,
    "model.n_head": 6,
    "model.tied": True,
    "model.attn_gate": "out_gate",
    "train.seconds": None,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n_head / 2", 3.0),
        ("n_head // 4", 1),
        ("model.depth * 64", 384),
        ("N_EMBD % head_dim == 0", True),
        ("-depth + 2 ** 3", 2),
        ("(depth + 1) * -1.5", -10.5),
        ("1 < depth <= 6", True),
        ("depth < 6 or depth > 8", False),
        ("not tied", False),
        ("attn_gate == 'out_gate' and tied == true", True),
        ("attn_gate in ('none', 'sparse')", False),
        ("seconds == null", True),
        ("seconds != null", False),
        ("depth not in [2, 4]", True),
        ("0.03 if tied else 0.6", 0.03),
        ("1 / 0 if depth > 6 else n_head // 2", 3),
    ],
)
def test_a_formula_has_the_value_of_its_arithmetic(text: str, value: object) -> None:
    found = parse_formula(text)(VALUES)
    assert (found, type(found)) == (value, type(value))


def test_a_formula_knows_the_knobs_that_it_reads() -> None:
    names = parse_formula("n_head / 2 + DIM * model.depth").names
    assert names == {"model.n_head", "model.model_dim", "model.depth"}


REFUSED = {
    "a call": ("__import__('os')", "is neither arithmetic nor a comparison"),
    "an attribute of a number": ("(1).real", "unknown factor"),
    "an attribute of a knob": ("depth.bit_length", "unknown factor 'depth.bit_length'"),
    "a subscript": ("depth[0]", "neither arithmetic"),
    "a lambda": ("lambda: 1", "neither arithmetic"),
    "a comprehension": ("[x for x in (1, 2)]", "neither arithmetic"),
    "an f-string": ("f'{depth}'", "neither arithmetic"),
    "a walrus": ("(x := 1)", "neither arithmetic"),
    "bytes": ("b'a'", "neither number nor word"),
    "a shift": ("1 << 99", "a sign that is not"),
    "an inversion": ("~depth", "a sign that is not"),
    "identity": ("depth is 3", "compares in a way"),
    "membership in a word": ("'a' in attn_gate", "compares in a way"),
    "an unknown name": ("n_haed / 2", "unknown factor 'n_haed'"),
    "no syntax": ("n_head /", "cannot read `n_head /`"),
    "nothing": ("", "cannot read ``"),
    "a statement": ("import os", "cannot read"),
    "a null byte": ("1\0", "cannot read"),
    "too long": ("1" + " + 1" * 100, "at most 200 characters"),
    "a huge number": ("9" * 99, "neither number nor word"),
    "infinity": ("1e999", "neither number nor word"),
    "what differs within a row": ("seed + 1", "reads seed, which differs within a row"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_anything_but_arithmetic_is_refused_when_it_is_read(kind: str) -> None:
    text, what = REFUSED[kind]
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    assert what in caught.value.what


def test_an_unknown_name_gets_a_suggestion_and_a_bare_word_is_told_to_be_quoted() -> None:
    for text, hint in (("n_haed / 2", "'n_head'"), ("value_embed == zzz", "quotes: 'zzz'")):
        with pytest.raises(FormulaError) as caught:
            parse_formula(text)
        assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("depth / 0", "a division by zero, in `depth / 0`"),
        ("depth % (head_dim - 64)", "a division by zero"),
        ("9 ** 99", "an exponent is at most 64"),
        ("(depth * 999999) ** 9", "beyond 2^63"),
        ("1e18 * 1e18", "beyond 2^63"),
        ("(0 - 2) ** 0.5", "no number"),
        ("seconds * 2", "seconds is null, which is no number"),
        ("tied + 1", "tied is True, which is no number"),
        ("1 if depth else 2", "depth is 6, neither true nor false"),
        ("attn_gate * 3", "attn_gate is 'out_gate', which is no number"),
        ("attn_gate < 3", "attn_gate is 'out_gate', which is no number"),
    ],
)
def test_a_formula_without_a_value_says_why(text: str, what: str) -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)(VALUES)
    assert what in caught.value.what


@given(st.text(alphabet="()+-*/%<>=!&|~^.,:[]{}'\" 0123456789abcdefnot depth_model", max_size=220))
def test_no_text_makes_the_parser_fail_in_any_other_way(text: str) -> None:
    try:
        parse_formula(text)(VALUES)
    except FormulaError as error:
        assert error.what
