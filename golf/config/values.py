"""From what a user wrote to the declared type of a knob, or a message that says why not."""

from __future__ import annotations

from collections.abc import Sequence

from golf.config.knob import SHARE, UNSET, Knob, Value
from golf.errors import did_you_mean

LARGEST = 2**63 - 1
SHOWN = 6  # names that a sentence lists before it says how many more
OFF_WORDS = ("off", "no", "none", "null", "false")


class BadValueError(ValueError):
    """A value that a knob cannot take; the text completes "knob NAME ..."."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


def coerce(knob: Knob, raw: object) -> Value:
    """Return ``raw`` as the knob's declared type (``4`` becomes ``4.0`` for a float).

    Raises:
        BadValueError: wrong type, not one of the choices, or out of range.
    """
    value = _typed(knob, raw)
    if knob.choices and value is not None and value not in knob.choices:
        listed = ", ".join(format_value(c) for c in knob.choices)
        hint = did_you_mean(str(raw), [str(c) for c in knob.choices])
        hint = _off_hint(knob) if str(raw).lower() in OFF_WORDS else hint
        raise BadValueError(f"{knob.name} is one of {listed}, found {format_value(value)}", hint)
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(knob, value)
    return value


def _typed(knob: Knob, raw: object) -> Value:
    if raw is None:
        if knob.optional:
            return None
        raise BadValueError(f"{knob.name} wants {knob.type_name}, found null", _hint(knob, raw))
    if isinstance(raw, int) and abs(raw) > LARGEST:
        raise BadValueError(f"{knob.name} wants {knob.type_name}, found a number beyond 2^63")
    if knob.kind is float and isinstance(raw, int | float) and not isinstance(raw, bool):
        return float(raw)
    if knob.kind is tuple:
        return _names(knob, raw)
    if type(raw) is knob.kind and isinstance(raw, bool | int | str):
        return raw
    raise BadValueError(f"{knob.name} wants {knob.type_name}, found {raw!r}", _hint(knob, raw))


def _names(knob: Knob, raw: object) -> tuple[str, ...]:
    items = [raw] if isinstance(raw, str) else raw
    if not isinstance(items, list | tuple) or not all(isinstance(i, str) for i in items):
        raise BadValueError(f"{knob.name} wants a list of names, found {raw!r}")
    if not items or len(set(items)) != len(items):
        raise BadValueError(f"{knob.name} wants at least one name, each once, found {raw!r}")
    return tuple(items)


def _hint(knob: Knob, raw: object) -> str:
    """Return what to write in place of ``raw``, which is of another type."""
    if knob.kind is bool or raw is None or raw is False or str(raw).lower() in OFF_WORDS:
        return _off_hint(knob)
    if knob.kind is str and raw is not True:
        text = ",".join(map(str, raw)) if isinstance(raw, list | tuple) else raw
        return f'quote it: "{text}"'
    if isinstance(raw, str) and knob.unit == SHARE:
        return "a share such as 0.4, or `40 steps`, `65536 tokens`, `210 seconds`"
    if isinstance(raw, str) and knob.unit:
        return f"write the number alone; it is in the unit {knob.unit}"
    return ""


def _off_hint(knob: Knob) -> str:
    if knob.kind is bool:
        return "write true or false; yes, no, on and off are words"
    return "" if knob.off is UNSET else f"to switch it off, write {format_value(knob.off)}"


def _check_range(knob: Knob, value: float) -> None:
    unit = f" {knob.unit}" if knob.unit else ""
    if value != value or value in (float("inf"), float("-inf")):
        raise BadValueError(f"{knob.name} wants a finite number, found {value}")
    if knob.at_least is not None and value < knob.at_least:
        hint = _off_hint(knob) if value == 0 else ""
        raise BadValueError(
            f"{knob.name} is at least {knob.at_least:g}{unit}, found {value:g}", hint
        )
    if knob.at_most is not None and value > knob.at_most:
        raise BadValueError(f"{knob.name} is at most {knob.at_most:g}{unit}, found {value:g}")


def format_value(value: Value) -> str:
    """Return a value the way a user would write it in YAML."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(value) + "]"
    return str(value)


def listed(names: Sequence[str], most: int = SHOWN) -> str:
    """Return names as a phrase; of a long list ``most`` stand there, and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
