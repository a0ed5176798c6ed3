"""Which names a knob answers to, and that old files keep meaning what they meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from golf.config import names
from golf.config.knob import Knob
from golf.config.names import find_knob, short_names
from golf.config.schema import KNOBS
from golf.errors import GolfError

FROZEN = Path(__file__).parents[1] / "data" / "short_names.json"
HOW_TO_ADD = f"""\
A name that matrix files may use must go on meaning the same knob.
If you added a knob or an alias, add the new short names to {FROZEN} (lower case: dotted name):

  python -c "import json; from golf.config.names import short_names as s; \\
print(json.dumps({{k: v[0] for k, v in sorted(s().items())}}, indent=1))"

If a frozen name now means several knobs or another one, declare the new knob with `bare=False`
or give it another alias; do not change a frozen line.
"""


AMBIGUOUS = {"adam_wd"}


def frozen() -> dict[str, str]:
    found: dict[str, str] = json.loads(FROZEN.read_text(encoding="utf-8"))
    return found


def resolve(written: str) -> str:
    try:
        return find_knob(written).name
    except GolfError as error:
        return str(error)


def test_every_frozen_short_name_still_means_the_same_knob() -> None:
    moved = {s: resolve(s) for s, knob in frozen().items() if resolve(s) != knob}
    assert not moved, HOW_TO_ADD


def test_every_short_name_is_frozen() -> None:
    assert set(short_names()) - AMBIGUOUS == set(frozen()), HOW_TO_ADD


@pytest.mark.parametrize("written", sorted(AMBIGUOUS))
def test_a_name_that_scripts_use_for_two_things_asks_which(written: str) -> None:
    with pytest.raises(GolfError) as caught:
        find_knob(written)
    (problem,) = caught.value.problems
    assert "may be optim.embed_wd or optim.scalar_wd" in problem.what


@pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda k: k.name)
def test_a_knob_is_found_by_its_dotted_name_and_aliases_in_either_case(knob: Knob) -> None:
    written = [knob.name]
    for short in (*knob.aliases, *([knob.leaf] if knob.bare else [])):
        written += [] if short in AMBIGUOUS else [short, short.upper(), short.title()]
    assert {find_knob(w).name for w in written} == {knob.name}


@pytest.mark.parametrize("knob", [k for k in KNOBS.values() if not k.bare], ids=lambda k: k.name)
def test_a_leaf_that_says_too_little_alone_does_not_mean_its_knob(knob: Knob) -> None:
    assert resolve(knob.leaf) != knob.name


@pytest.mark.parametrize(
    ("written", "suggested"),
    [
        ("gate_widht", "'gate_width'"),
        ("model.gate_widht", "'model.gate_width'"),
        ("num_kv_head", "'num_kv_heads'"),
        ("SEQLEN", "'seq_len'"),
    ],
)
def test_an_unknown_name_gets_the_closest_ones(written: str, suggested: str) -> None:
    with pytest.raises(GolfError) as caught:
        find_knob(written)
    (problem,) = caught.value.problems
    assert problem.what == f"unknown factor {written!r}"
    assert "did you mean" in problem.hint
    assert suggested in problem.hint


def test_a_name_like_no_other_is_answered_with_the_list_of_factors() -> None:
    with pytest.raises(GolfError, match="golf factors"):
        find_knob("zzzzzz")


def test_a_name_that_fits_several_knobs_lists_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    two = {"bits": ("quant.bits", "quant.embed_bits")}
    monkeypatch.setattr(names, "short_names", lambda: two)
    with pytest.raises(GolfError, match=r"'BITS' may be quant\.bits or quant\.embed_bits"):
        find_knob("BITS")
