"""A JSON Schema of the matrix file, so that editors complete and check while one types."""

from __future__ import annotations

from typing import Any

from golf.config.about import PRIORITIES
from golf.config.formula import POINT
from golf.config.knob import SHARE, Knob
from golf.config.load import BUDGETS, LAUNCH_CHOICES, preset_names
from golf.config.names import short_names
from golf.config.profiles import PROFILES
from golf.config.schema import KNOBS
from golf.config.seeds import HIGHEST_LEVEL, LOWEST_LEVEL
from golf.config.waves import MEASURES

Schema = dict[str, Any]

TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}
TEXT: Schema = {"type": ["string", "number", "boolean"]}
SEED_LIST: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1}
FORMULA: Schema = {"type": "string", "pattern": "^=", "description": "for example = n_head / 2"}
POINT_TEXT: Schema = {
    "type": "string", "pattern": f"^{POINT.pattern}", "description": "for example 40 steps",
}  # fmt: skip


def matrix_schema() -> Schema:
    """Return the schema (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "golf matrix",
        **_mapping(_sections()),
        "$defs": {
            **{name: _value(knob) for name, knob in KNOBS.items()},
            "baseline": _mapping(_names({**_about(), "name": TEXT})),
            "row": {"anyOf": [{"$ref": "#/$defs/row-body"}, {"type": "null"}]},
            "row-body": _mapping(_names({**_about(), **_row_words()})),
            "axes": _mapping(_names({}, _axis)),
        },
    }


def _sections() -> Schema:
    axes = {"$ref": "#/$defs/axes"}
    many_axes = {"anyOf": [axes, {"type": "array", "items": axes}]}
    return {
        "name": {"type": ["string", "number"], "description": "names the report"},
        "question": TEXT,
        **{n: s for n, s in _about().items() if n != "expect"},
        "preset": {"enum": preset_names()},
        "profile": {"enum": list(PROFILES)},
        "include": _one_or_many({"type": "string"}),
        "seeds": _seeds(),
        "budget": _mapping(
            {
                **{n: _knob(f"train.{n}") for n in BUDGETS},
                "both": _one_or_many({"enum": [*BUDGETS]}),
            }
        ),
        "evaluate": _knob("eval.geometries"),
        "launch": _mapping({**LAUNCH, **{n: {"enum": list(c)} for n, c in LAUNCH_CHOICES.items()}}),
        "baseline": {"anyOf": [{"$ref": "#/$defs/baseline"}, {"type": "null"}]},
        "factors": axes,
        "grid": many_axes,
        "zip": many_axes,
        "where": _one_or_many({"type": ["string", "object"]}),
        "exclude": _one_or_many(_mapping(_names({"why": TEXT}))),
        "waves": _waves(),
        "rows": {"type": "object", "additionalProperties": {"$ref": "#/$defs/row"}},
    }


LAUNCH: Schema = {
    "nproc_per_node": {"type": "integer", "minimum": 1},
    "threads": {"type": "integer", "minimum": 1},
    "jobs": {"type": "integer", "minimum": 0},
    "audit": {"type": "boolean"},
}


def _about() -> Schema:
    delta = {"type": "number", "description": "signed difference in bits per byte"}
    both = _mapping({"delta": delta, "outcome": {"type": "string"}})
    cased = [*PRIORITIES, *map(str.upper, PRIORITIES)]
    return {
        "note": TEXT,
        "why": TEXT,
        "expect": {"anyOf": [delta, {"type": "string"}, both]},
        "priority": {"enum": cased},
        "tags": _one_or_many(TEXT),
    }


def _waves() -> Schema:
    rule = {
        "by": {"enum": list(MEASURES)},
        "margin": {"type": "number", "minimum": 0, "description": "bits per byte"},
    }
    wave = {
        "name": TEXT,
        "rows": _one_or_many(TEXT),
        "baseline": _mapping({"winner_of": TEXT, **rule}),
        "adopt": {"enum": ["if_better"]},
        "combine": {"enum": ["winners"]},
        "of": _one_or_many(TEXT),
        **rule,
    }
    return {"type": "array", "items": _mapping({**_about(), **wave})}


def _seeds() -> Schema:
    until = {
        "p": {"type": "number", "minimum": LOWEST_LEVEL, "maximum": HIGHEST_LEVEL},
        "margin": {"type": "number", "minimum": 0},
    }
    whole = {"type": "integer", "minimum": 2}
    rule = _mapping({"min": whole, "max": whole, "until": _mapping(until)})
    return {"anyOf": [SEED_LIST, {"type": "integer", "minimum": 1}, rule]}


def _row_words() -> Schema:
    return {"parent": TEXT, "same_as": TEXT, "seeds": SEED_LIST}


def _names(words: Schema, make: Any = None) -> Schema:
    """Return every accepted name of every knob, with ``words`` beside them."""
    named = {name: name for name in KNOBS}
    for short, meant in short_names().items():
        if len(meant) == 1:
            named |= {short: meant[0], short.upper(): meant[0]}
    spelt = {alias: k.name for k in KNOBS.values() for alias in k.aliases}
    found = {written: (make or _knob)(name) for written, name in {**named, **spelt}.items()}
    return {**words, **{w: s for w, s in found.items() if not w.endswith("train.seed")}}


def _axis(name: str) -> Schema:
    return _one_or_many(_knob(name))


def _knob(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _value(knob: Knob) -> Schema:
    """Return what a knob takes, with its help."""
    about: Schema = {"description": knob.help + (f" ({knob.unit})" if knob.unit else "")}
    if knob.kind is tuple:
        return {**about, **_one_or_many({"type": "string"})}
    plain: Schema = {"type": TYPES[knob.kind]}
    if knob.choices:
        plain = {"enum": list(knob.choices)}
    if knob.at_least is not None:
        plain["minimum"] = knob.at_least
    if knob.at_most is not None:
        plain["maximum"] = knob.at_most
    options = [plain, *([{"type": "null"}] if knob.optional else [])]
    options += [FORMULA] if knob.kind in (int, float) else []
    options += [POINT_TEXT] if knob.unit == SHARE else []
    return {**about, "anyOf": options}


def _one_or_many(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def _mapping(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}
