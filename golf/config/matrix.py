"""A matrix file as data: what ``golf.config.load`` returns and ``golf.plan.expand`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from golf.config.knob import Value
from golf.config.machine import Launch

BASELINE = "baseline"


@dataclass(frozen=True)
class Setting:
    """One value that somebody wrote.

    Attributes:
        value: coerced to the knob's type.
        where: ``file:line:column`` or the command line.
        written: the name that the user used for the knob.
    """

    value: Value
    where: str
    written: str


Layer = Mapping[str, Setting]


@dataclass(frozen=True)
class RowDraft:
    """A row as written: its own settings and the row that it builds on.

    Attributes:
        parent: the row that deltas are taken against and settings are inherited from.
        same_as: a row that this one is meant to equal ("" for none).
    """

    name: str
    own: Layer
    where: str
    parent: str = BASELINE
    note: str = ""
    same_as: str = ""


@dataclass(frozen=True)
class Matrix:
    """A checked matrix file; rows stand in file order, factors before named rows."""

    path: Path
    name: str
    question: str = ""
    preset: str = ""
    profile: str = ""
    seeds: tuple[int, ...] = (1337,)
    launch: Launch = field(default_factory=Launch)
    preset_layer: Layer = field(default_factory=dict)
    baseline: Layer = field(default_factory=dict)
    drafts: tuple[RowDraft, ...] = ()
