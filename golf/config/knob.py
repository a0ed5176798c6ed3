"""A knob is a dataclass field that carries everything golf must know about it.

Loading, error messages, node keys, ``golf factors``, the docs, report headings and
``tests/test_knobs.py`` iterate over the fields; none of them names a knob. Adding a
technique therefore means one field, one module, one test and one generated row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from enum import Enum, StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

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


WIDEST = 65536  # channels: more than any machine trains
LONGEST = 524288  # tokens of a sequence: likewise
SHARE = "x budget"  # unit of a point in training, which may also be steps, tokens or seconds


class _Unset(Enum):
    UNSET = "unset"


class _On(Enum):
    ON = "on"


UNSET = _Unset.UNSET
ON = _On.ON


NOTHING: Mapping[str, Any] = MappingProxyType({})


class Knob(NamedTuple):
    """A field of the schema: its dotted name, its type, and the facts that ``knob()`` documents."""

    name: str
    default: Value
    kind: type
    optional: bool
    stage: Stage
    help: str
    example: Value
    example_with: Mapping[str, Value] = NOTHING
    unit: str = ""
    choices: tuple[Value, ...] = ()
    off: Value | _Unset = UNSET
    aliases: tuple[str, ...] = ()
    published: Mapping[str, str] = NOTHING
    bare: bool = True
    needs: Mapping[str, tuple[Value, ...] | _On] = NOTHING
    effect: Effect | None = None
    scale: Scale | None = None
    multiple_of: int = 1
    at_least: float | None = None
    at_most: float | None = None
    exclusive: str = ""
    shared: bool = False
    source: str = ""

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
            rows, whose scores could not be compared otherwise), ``source`` (where the technique
            was published; PR numbers are those of openai/parameter-golf).
    """
    return field(default=default, metadata={"stage": stage, "help": help, **facts})


# Annotations stay text: evaluating two hundred of them takes longer than a start may.
TYPES = {"bool": bool, "int": int, "float": float, "str": str, "tuple[str, ...]": tuple}


def iter_knobs(config_class: type, prefix: str = "") -> Iterator[Knob]:
    """Yield every knob of a config dataclass, nested groups included, in declaration order."""
    for f in fields(config_class):
        name = prefix + f.name
        if not f.metadata:
            yield from iter_knobs(get_type_hints(config_class)[f.name], name + ".")
            continue
        kind, _, alternative = str(f.type).partition(" | ")
        default: Any = f.default
        yield Knob(name, default, TYPES[kind], alternative == "None", **f.metadata)


@cache
def knob_table(config_class: type) -> dict[str, Knob]:
    """Return the knobs of ``config_class`` by dotted name."""
    return {k.name: k for k in iter_knobs(config_class)}
