"""A knob is a dataclass field that carries everything golf must know about it.

Loading, error messages, node keys, ``golf factors``, the docs, report headings and
``tests/test_knobs.py`` iterate over the fields; none of them names a knob. Adding a
technique therefore means one field, one module, one test and one generated row.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

Value = bool | int | float | str | tuple[str, ...] | None
Values = Mapping[str, Value]


class Stage(StrEnum):
    """The earliest stage that reads a knob; ``runtime`` knobs change how, never what."""

    TRAIN = "train"
    QUANTIZE = "quantize"
    EVALUATE = "evaluate"
    TTT = "ttt"
    RUNTIME = "runtime"


class Effect(StrEnum):
    """Where a knob's effect shows first; the universal knob test looks there."""

    LOGITS = "logits"
    PARAMS_AFTER_STEPS = "params_after_steps"
    ARTIFACT = "artifact"
    MEASURE = "measure"
    NOTHING = "nothing"


STAGE_EFFECT = {
    Stage.TRAIN: Effect.PARAMS_AFTER_STEPS,
    Stage.QUANTIZE: Effect.ARTIFACT,
    Stage.EVALUATE: Effect.MEASURE,
    Stage.TTT: Effect.MEASURE,
    Stage.RUNTIME: Effect.NOTHING,
}


class Scale(StrEnum):
    """How a profile may shrink a knob; see ``golf.config.profiles``."""

    STEPS = "steps"
    BATCH = "batch"
    SEQUENCE = "sequence"
    TEXT = "text"
    WIDTH = "width"
    SECONDS = "seconds"
    VOCABULARY = "vocabulary"
    EFFORT = "effort"
    DECAY = "decay"


SHARE = "x budget"  # unit of a point in training, which may also be steps, tokens or seconds


class _Unset(Enum):
    UNSET = "unset"


class _On(Enum):
    ON = "on"


UNSET = _Unset.UNSET
ON = _On.ON


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a field declares about its knob; ``knob()`` documents each entry."""

    stage: Stage
    help: str
    example: Value
    example_with: Mapping[str, Value] = field(default_factory=dict)
    unit: str = ""
    choices: tuple[Value, ...] = ()
    off: Value | _Unset = UNSET
    aliases: tuple[str, ...] = ()
    published: Mapping[str, str] = field(default_factory=dict)
    bare: bool = True
    needs: Mapping[str, tuple[Value, ...] | _On] = field(default_factory=dict)
    effect: Effect | None = None
    scale: Scale | None = None
    multiple_of: int = 1
    at_least: float | None = None
    at_most: float | None = None
    exclusive: str = ""
    shared: bool = False


@dataclass(frozen=True, kw_only=True)
class Knob(Facts):
    """A field of the schema with its facts, its dotted name and its declared type."""

    name: str
    default: Value
    kind: type
    optional: bool

    @property
    def leaf(self) -> str:
        return self.name.split(".")[-1]

    @property
    def by_row(self) -> bool:
        """Say whether rows may differ in it."""
        return not self.shared and self.stage is not Stage.RUNTIME

    @property
    def observed(self) -> Effect:
        return self.effect or STAGE_EFFECT[self.stage]

    @property
    def type_name(self) -> str:
        name = "list of names" if self.kind is tuple else self.kind.__name__
        return f"{name} or null" if self.optional else name


def knob(default: Any, stage: Stage, help: str, **facts: Any) -> Any:
    """Declare a knob as a dataclass field.

    Args:
        default: the value when neither preset, matrix nor command line sets it.
        stage: the earliest stage that reads it.
        help: lower case, no full stop; completes "this knob is the ...".
        **facts: ``example`` (required; a legal value other than the default),
            ``example_with`` (settings that the example takes besides those of ``needs``),
            ``unit``, ``choices``, ``off`` (the value at which the technique does nothing at all;
            left out of node keys), ``aliases`` (other names, any case),
            ``published`` (names in published scripts whose values have another form, each with a
            setting that says such a thing here), ``bare`` (False forbids
            the leaf alone as a short name), ``needs`` (relevant only where the named knobs have
            one of these values; ``ON`` for any but off), ``effect``, ``scale`` and
            ``multiple_of`` (how profiles shrink it), ``at_least``, ``at_most``, ``exclusive``
            (setting one knob of the group unsets the others), ``shared`` (the same for all
            rows, whose scores could not be compared otherwise).
    """
    return field(default=default, metadata={"facts": Facts(stage=stage, help=help, **facts)})


def _kind_of(annotation: Any) -> tuple[type, bool]:
    """Split ``float | None`` into (float, True)."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        return _kind_of(inner[0])[0], True
    return get_origin(annotation) or annotation, False


def iter_knobs(config_class: type, prefix: str = "") -> Iterator[Knob]:
    """Yield every knob of a config dataclass, nested groups included, in declaration order."""
    hints = get_type_hints(config_class)
    for f in dataclasses.fields(config_class):
        name = prefix + f.name
        if dataclasses.is_dataclass(hints[f.name]):
            yield from iter_knobs(hints[f.name], name + ".")
            continue
        kind, optional = _kind_of(hints[f.name])
        facts = {k.name: getattr(f.metadata["facts"], k.name) for k in dataclasses.fields(Facts)}
        default: Any = f.default
        yield Knob(name=name, default=default, kind=kind, optional=optional, **facts)


@cache
def knob_table(config_class: type) -> dict[str, Knob]:
    """Return the knobs of ``config_class`` by dotted name."""
    return {k.name: k for k in iter_knobs(config_class)}
