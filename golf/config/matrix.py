"""A matrix file as data: what ``golf.config.load`` returns and ``golf.plan.expand`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from golf.config.about import About
from golf.config.formula import Formula
from golf.config.knob import Value
from golf.config.machine import Launch
from golf.config.schema import KNOBS
from golf.config.values import format_value
from golf.errors import Problem
from golf.frozen import Frozen

BASELINE = "baseline"
FIRST_SEED = 1337
POINTS = ("grid", "zip")  # sources of rows that a product made, not a hand
GENERATED = ("factors", *POINTS)
SHIPPED = "golf/presets/"  # begins the places of presets


class Setting(Frozen):
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
        if self.formula is None:
            return format_value(self.value)
        return f"= {self.formula.text}" if self.formula.relative else self.formula.text


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


class RowDraft(Frozen):
    """A row as written: its own settings and the row that it builds on.

    Attributes:
        parent: the row that deltas are taken against and settings are inherited from.
        same_as: a row that this one is meant to equal ("" for none).
        source: the section that made it, which says what may be dropped; ``wave`` where the
            parent was found from results.
        seeds: seeds of this row alone; () for those of the matrix.
        stacked: what ``own`` was joined from, the lowest first; () where it was written as it is.
    """

    name: str
    own: Layer
    where: str
    parent: str = BASELINE
    same_as: str = ""
    source: str = "rows"
    seeds: tuple[int, ...] = ()
    about: About = field(default_factory=About)
    stacked: tuple[Layer, ...] = ()

    @classmethod
    def stack(
        cls, name: str, layers: tuple[Layer, ...], where: str, parent: str, about: About
    ) -> RowDraft:
        """Return a row of a wave that joins the settings of several rows."""
        own: dict[str, Setting] = {}
        for layer in layers:
            put_layer(own, layer)
        return cls(name, own, where, parent, source="wave", about=about, stacked=layers)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The settings in the order in which they lie over the parent's."""
        return self.stacked or (self.own,)


class Constraint(Frozen):
    """A formula that every generated row has to meet, and the reason that was given."""

    formula: Formula
    where: str
    reason: str = ""


class Exclusion(Frozen):
    """Settings that no generated row may have together, and the reason that was given."""

    layer: Layer
    where: str
    reason: str = ""


class SeedRule(Frozen):
    """Seeds that are added until a row is told apart from its parent.

    Attributes:
        least: seeds that every row gets.
        most: seeds that none exceeds.
        level: the chance of any false winner in the whole matrix, over all rows and looks.
        margin: the gain in bits per byte that a row is told apart from.
    """

    least: int
    most: int
    level: float = 0.05
    margin: float = 0.0

    @property
    def looks(self) -> int:
        """How often a row may be tested."""
        return self.most - self.least + 1


class WinnerRule(Frozen):
    """How a winner is found.

    Attributes:
        by: ``pre``, ``post`` or ``ttt``; "" for post-TTT where every row adapts, else post.
        margin: the gain in bits per byte that has to be exceeded; None where none was stated.
    """

    by: str = ""
    margin: float | None = None


class Wave(Frozen):
    """Rows that wait for a result.

    Attributes:
        rows: names of rows, in order; none for a wave that combines.
        winner_of: the wave or matrix file whose winner these rows start from; "" for the baseline.
        greedy: each row starts from the best row so far.
        combine: the waves whose winners are stacked into one row, called like this wave.
        rule: how winners of and for this wave are found.
    """

    name: str
    where: str
    rows: tuple[str, ...] = ()
    winner_of: str = ""
    greedy: bool = False
    combine: tuple[str, ...] = ()
    rule: WinnerRule = WinnerRule()
    about: About = field(default_factory=About)


class Matrix(Frozen):
    """A checked matrix file; rows stand in file order, factors before named rows.

    Attributes:
        about: labels of the whole file.
        processes_where: where the number of processes is set; "" where it is not.
        baseline: what every row starts from, included files under the file's own settings.
        baseline_layers: the same file by file, the lowest first; () for one file.
        baseline_about: words beside the baseline's settings.
        second_budget: under which every row runs too, in columns of its own; {} for none.
        repeated: points of grids and zips that were left out, because another has their name.
        where: constraints on rows that ``factors``, ``grid`` and ``zip`` make.
        exclude: combinations that are left out of them.
        seed_rule: how many of the seeds a row gets; None for all of them.
        problems: what is wrong with the parts of the file that were left out here.
    """

    path: Path
    name: str
    question: str = ""
    preset: str = ""
    profile: str = ""
    seeds: tuple[int, ...] = (FIRST_SEED,)
    seed_rule: SeedRule | None = None
    launch: Launch = field(default_factory=Launch)
    processes_where: str = ""
    preset_layer: Layer = field(default_factory=dict)
    baseline: Layer = field(default_factory=dict)
    baseline_layers: tuple[Layer, ...] = ()
    baseline_about: About = field(default_factory=About)
    second_budget: Layer = field(default_factory=dict)
    drafts: tuple[RowDraft, ...] = ()
    repeated: tuple[str, ...] = ()
    where: tuple[Constraint, ...] = ()
    exclude: tuple[Exclusion, ...] = ()
    waves: tuple[Wave, ...] = ()
    about: About = field(default_factory=About)
    problems: tuple[Problem, ...] = ()
