"""Which knob a user means: exact dotted name, declared alias, then a leaf that says enough."""

from __future__ import annotations

from functools import cache

from golf.config.knob import Knob
from golf.config.schema import KNOBS
from golf.errors import GolfError, did_you_mean, fail


@cache
def short_names() -> dict[str, tuple[str, ...]]:
    """Return each accepted short name, in lower case, with the dotted names it may mean."""
    found: dict[str, list[str]] = {}
    for knob in KNOBS.values():
        for short in {*knob.aliases, *([knob.leaf] if knob.bare else [])}:
            found.setdefault(short.lower(), []).append(knob.name)
    return {short: tuple(names) for short, names in found.items()}


def find_knob(written: str) -> Knob:
    """Return the knob that ``written`` names.

    Raises:
        GolfError: no such knob (with the closest names), or a short name that fits several.
    """
    if written in KNOBS:
        return KNOBS[written]
    names = short_names().get(written.lower(), ())
    if len(names) == 1:
        return KNOBS[names[0]]
    if names:
        raise fail(f"{written!r} may be {' or '.join(names)}", "write the dotted name")
    raise unknown_knob(written)


def unknown_knob(written: str) -> GolfError:
    """Return the error for a name that is no knob."""
    return fail(f"unknown factor {written!r}", hint_for(written) or "`golf factors` lists them all")


def hint_for(written: str) -> str:
    """Return what somebody who wrote an unknown name may have meant ("" for nobody knows)."""
    for knob in KNOBS.values():
        for name, setting in knob.published.items():
            if written.lower() == name.lower():
                return f"{name} is {knob.name} here, for example `{setting}`"
    whole = [repr(knob.name) for knob in KNOBS.values() if knob.leaf == written.lower()]
    if whole:
        return f"did you mean {' or '.join(whole)}?"
    return did_you_mean(written, [*KNOBS, *short_names()])
