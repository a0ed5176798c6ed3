"""Rows that a file makes many at a time: products, paired lists, and what is left out of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from pathlib import Path

from golf.config.formula import FormulaError, parse_formula
from golf.config.knob import Knob
from golf.config.matrix import Constraint, Exclusion, RowDraft, Setting
from golf.config.nodes import Items, Node, Scalar, Table
from golf.config.rows import RowReader
from golf.errors import Problem

MOST_POINTS = 100_000

Axis = tuple[Knob, list[Setting]]


class Tally:
    """What a file and those that it includes come to.

    Attributes:
        files: read so far.
        points: of all grids and zips.
    """

    files = 0
    points = 0


class PointReader(RowReader):
    """Reads ``grid``, ``zip``, ``where`` and ``exclude``; the points are counted in ``tally``."""

    def __init__(self, path: Path, problems: list[Problem], tally: Tally | None = None) -> None:
        super().__init__(path, problems)
        self.tally = tally or Tally()

    def grid(self, node: Node) -> tuple[RowDraft, ...]:
        """The full product of the factors' values; a list holds several products."""
        drafts: list[RowDraft] = []
        for table in node.items if isinstance(node, Items) else (node,):
            axes = self._axes(table)
            number = math.prod(len(settings) for _, settings in axes)
            if axes and self._has_room(table, "grid", number):
                drafts += _points("grid", axes, itertools.product(*(s for _, s in axes)))
        return tuple(drafts)

    def _has_room(self, table: Node, kind: str, number: int) -> bool:
        """Count points, unless there are too many of them."""
        before = self.tally.points
        if before + number <= MOST_POINTS:
            self.tally.points += number
            return True
        beside = f" beside {before:,} others" if before else ""
        what = f"this {kind} has {number:,} points{beside}, golf plans at most {MOST_POINTS:,}"
        self.add(table.where, what, "fewer values, or several matrices")
        return False

    def zip(self, node: Node) -> tuple[RowDraft, ...]:
        """The first values of all factors, then the second ones, and so on."""
        drafts: list[RowDraft] = []
        for table in node.items if isinstance(node, Items) else (node,):
            axes = self._axes(table)
            lengths = {len(settings) for _, settings in axes}
            if len(lengths) > 1:
                shown = ", ".join(f"{knob.name} {len(settings)}" for knob, settings in axes)
                what = f"paired lists are of one length, found {shown}"
                self.add(table.where, what, "or write `grid`, which takes every combination")
            elif axes and self._has_room(table, "zip", *lengths):
                drafts += _points("zip", axes, zip(*(s for _, s in axes), strict=True))
        return tuple(drafts)

    def _axes(self, table: Node) -> list[Axis]:
        if not isinstance(table, Table):
            self.add(table.where, "expected factor names, each with a list of values")
            return []
        before = len(self.problems)
        axes: dict[str, Axis] = {}
        for key, values in table.entries:
            knob, settings = self.axis(key, values)
            if knob and knob.name in axes:
                self.add(key.where, f"{knob.name} is already one of these factors")
            if knob:
                axes[knob.name] = (knob, settings)
        return list(axes.values()) if len(self.problems) == before else []

    def where(self, node: Node) -> tuple[Constraint, ...]:
        """Constraints, each alone or as ``constraint: reason``."""
        found = []
        for text, reason in self._reasoned(node):
            try:
                formula = parse_formula(str(text.value))
                found.append(Constraint(formula, text.where, reason))
            except FormulaError as error:
                self.problems.append(error.at(text.where))
        return tuple(found)

    def _reasoned(self, node: Node) -> Iterable[tuple[Scalar, str]]:
        for item in node.items if isinstance(node, Items) else (node,):
            if isinstance(item, Scalar):
                yield item, ""
            elif isinstance(item, Table):
                for key, reason in item.entries:
                    yield key, self.word(reason) or ""
            else:
                self.add(item.where, "a constraint is a comparison", "model_dim % head_dim == 0")

    def exclude(self, node: Node) -> tuple[Exclusion, ...]:
        """Settings that are left out together, with ``why`` beside them."""
        found = []
        for item in node.items if isinstance(node, Items) else (node,):
            _, own, about = self.row_body(item, ("why",))
            layer = self.settings(own, by_row=True)
            if layer:
                found.append(Exclusion(layer, item.where, about.why))
            elif isinstance(item, Table) and not item.entries:
                self.add(item.where, "this excludes nothing", "for example {depth: 6, bits: 4}")
        return tuple(found)


def _points(
    source: str, axes: list[Axis], points: Iterable[tuple[Setting, ...]]
) -> Iterable[RowDraft]:
    names = [knob.name for knob, _ in axes]
    words = {id(s): f"{s.written}={s.text.removeprefix('= ')}" for _, ss in axes for s in ss}
    for settings in points:
        name = " ".join([words[id(s)] for s in settings])
        own = dict(zip(names, settings, strict=True))
        yield RowDraft(name, own, settings[0].where, source=source)
