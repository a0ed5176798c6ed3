"""Settings of the command line are read like those of a file."""

from __future__ import annotations

import pytest

from golf.config.load import parse_override
from golf.errors import GolfError


@pytest.mark.parametrize(
    ("text", "knob", "value"),
    [
        ("seq_len=512", "train.seq_len", 512),
        ("SOFTCAP=null", "model.logit_softcap", None),
        ("softcap=15", "model.logit_softcap", 15.0),
        (" depth = 3", "model.depth", 3),
        ("evaluate=[chunked, sliding8]", "eval.geometries", ("chunked", "sliding8")),
        ("data.dataset=a=b", "data.dataset", "a=b"),
        ("dataset=", "data.dataset", ""),
    ],
)
def test_an_override_is_read_like_a_setting(text: str, knob: str, value: object) -> None:
    name, setting = parse_override(text)
    assert (name, setting.value) == (knob, value)


def test_the_place_of_an_override_is_its_flag() -> None:
    assert parse_override("seq_len=512")[1].where == "--set seq_len=512"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("seq_len", "wants NAME=VALUE"),
        ("seq_lne=5", "unknown factor 'seq_lne'"),
        ("seq_len=long", "train.seq_len wants int"),
        ("embed_bits=9", "one of 2, 3"),
        ("seed=5", "seeds are listed"),
        ("depth=[", "not valid YAML"),
        ("depth=010", "read differently"),
        ("dataset=\udcff", "the character U+DCFF is not allowed"),
    ],
)
def test_a_bad_override_is_reported_with_the_flag_as_its_place(text: str, what: str) -> None:
    with pytest.raises(GolfError, match=r"^--set ") as caught:
        parse_override(text)
    assert what in caught.value.problems[0].what
