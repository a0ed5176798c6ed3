"""The rows of a table, with every value settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cached_property

from golf.config.about import About
from golf.config.knob import Value
from golf.config.machine import Launch, Machine
from golf.config.matrix import Layer, Matrix, Setting, put_layer
from golf.frozen import Frozen


class Row(Frozen):
    """One line of the table, with every value settled.

    Attributes:
        parent: the row that deltas are taken against; "" for the baseline itself.
        values: every knob's resolved value, for the first seed.
        layers: the settings that the row is made of, later ones over earlier ones: those that
            all rows share, the rows that it builds on, itself, the command line's.
        own: the settings that the row changes; none for the baseline.
        seeds: the row runs once for each.
        has_heads: whether the number of heads is set, and their width follows from it.
        data_seed_follows: whether the order of the data has the seed of the weights.
        also: the row under the matrix's further budgets, by their names.
    """

    name: str
    parent: str
    values: Mapping[str, Value]
    layers: tuple[Layer, ...] = ()
    own: Layer = field(default_factory=dict)
    about: About = field(default_factory=About)
    seeds: tuple[int, ...] = ()
    has_heads: bool = False
    data_seed_follows: bool = True
    also: Mapping[str, Row] = field(default_factory=dict)

    @property
    def change(self) -> str:
        """What the row says it changes, in the user's own words."""
        return describe(self.own)

    @cached_property
    def origins(self) -> Mapping[str, str]:
        """Where each value was set; knobs at their default are absent."""
        settings: dict[str, Setting] = {}
        for layer in self.layers:
            put_layer(settings, layer)
        return {name: setting.where for name, setting in settings.items()}

    @property
    def note(self) -> str:
        return self.about.note

    def seeded(self, seed: int) -> dict[str, Value]:
        """Return the values with another seed."""
        return {**self.values, **self.seeds_for(seed)}

    def seeds_for(self, seed: int) -> dict[str, Value]:
        """Return what another seed changes; the data seed follows unless it was set."""
        data_seed = seed if self.data_seed_follows else self.values["train.data_seed"]
        return {"train.seed": seed, "train.data_seed": data_seed}


def describe(layer: Layer) -> str:
    """Return settings as the user wrote them."""
    return ", ".join([f"{s.written} {s.text}" for s in layer.values()])


class Dropped(Frozen):
    """A point of a grid, a zip or a factor that is no row, and why."""

    name: str
    reason: str


class Rows(Frozen):
    """The checked rows of a matrix, the baseline first, with what they share."""

    matrix: Matrix
    rows: tuple[Row, ...]
    launch: Launch
    machine: Machine
    profile: str = ""
    overrides: Layer = field(default_factory=dict)
    dropped: tuple[Dropped, ...] = ()

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that a row has, those of the matrix first."""
        return tuple(dict.fromkeys([*self.matrix.seeds, *(s for r in self.rows for s in r.seeds)]))
