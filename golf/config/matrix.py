"""A matrix file as data: what ``golf.config.load`` returns and ``golf.plan.expand`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from golf.config.about import About
from golf.config.formula import Formula
from golf.config.knob import Value
from golf.config.machine import Launch
from golf.config.values import format_value

BASELINE = "baseline"


@dataclass(frozen=True)
class Setting:
    """One value that somebody wrote.

    Attributes:
        value: coerced to the knob's type; None where a formula stands.
        where: ``file:line:column`` or the command line.
        written: the name that the user used for the knob.
        formula: what the value follows from, once the row's other values are settled.
    """

    value: Value
    where: str
    written: str
    formula: Formula | None = None

    @property
    def text(self) -> str:
        """The value as a user would write it."""
        return f"= {self.formula.text}" if self.formula else format_value(self.value)


Layer = Mapping[str, Setting]


@dataclass(frozen=True)
class RowDraft:
    """A row as written: its own settings and the row that it builds on.

    Attributes:
        parent: the row that deltas are taken against and settings are inherited from.
        same_as: a row that this one is meant to equal ("" for none).
        seeds: seeds of this row alone; () for those of the matrix.
    """

    name: str
    own: Layer
    where: str
    parent: str = BASELINE
    same_as: str = ""
    seeds: tuple[int, ...] = ()
    about: About = field(default_factory=About)


@dataclass(frozen=True)
class Matrix:
    """A checked matrix file; rows stand in file order, factors before named rows.

    Attributes:
        about: labels of the whole file.
        baseline_about: words beside the baseline's settings.
    """

    path: Path
    name: str
    question: str = ""
    preset: str = ""
    profile: str = ""
    seeds: tuple[int, ...] = (1337,)
    launch: Launch = field(default_factory=Launch)
    preset_layer: Layer = field(default_factory=dict)
    baseline: Layer = field(default_factory=dict)
    baseline_about: About = field(default_factory=About)
    drafts: tuple[RowDraft, ...] = ()
    about: About = field(default_factory=About)
