"""A matrix file as data: what ``golf.config.load`` returns and ``golf.plan.expand`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from golf.config.about import About
from golf.config.formula import Formula
from golf.config.knob import Value
from golf.config.machine import Launch
from golf.config.schema import KNOBS
from golf.config.values import format_value
from golf.errors import Problem

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

RIVALS: Mapping[str, tuple[str, ...]] = {
    k.name: tuple(o.name for o in KNOBS.values() if o.exclusive == k.exclusive and o is not k)
    for k in KNOBS.values()
    if k.exclusive
}


def put_layer(settings: dict[str, Setting], layer: Layer) -> None:
    """Put ``layer`` over ``settings``; one knob of an exclusive group takes the others away."""
    for name in layer:
        for rival in RIVALS.get(name, ()):
            settings.pop(rival, None)
    settings.update(layer)


@dataclass(frozen=True)
class RowDraft:
    """A row as written: its own settings and the row that it builds on.

    Attributes:
        parent: the row that deltas are taken against and settings are inherited from.
        same_as: a row that this one is meant to equal ("" for none).
        source: the section that made it; points of a ``grid`` or ``zip`` may be dropped.
        seeds: seeds of this row alone; () for those of the matrix.
    """

    name: str
    own: Layer
    where: str
    parent: str = BASELINE
    same_as: str = ""
    source: str = "rows"
    seeds: tuple[int, ...] = ()
    about: About = field(default_factory=About)


@dataclass(frozen=True)
class Constraint:
    """A formula that every generated row has to meet, and the reason that was given."""

    formula: Formula
    where: str
    reason: str = ""


@dataclass(frozen=True)
class Exclusion:
    """Settings that no generated row may have together, and the reason that was given."""

    layer: Layer
    where: str
    reason: str = ""


@dataclass(frozen=True)
class Matrix:
    """A checked matrix file; rows stand in file order, factors before named rows.

    Attributes:
        about: labels of the whole file.
        baseline_about: words beside the baseline's settings.
        where: constraints on rows that ``factors``, ``grid`` and ``zip`` make.
        exclude: combinations that are left out of them.
        problems: what is wrong with the parts of the file that were left out here.
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
    where: tuple[Constraint, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    about: About = field(default_factory=About)
    problems: tuple[Problem, ...] = ()
