"""Tiny settings in which a knob is read, with and without it."""

from __future__ import annotations

from golf.config.knob import ON, Knob, Value
from golf.config.schema import KNOBS, is_relevant
from golf.errors import GolfError
from golf.plan.graph import Cell
from tests.conftest import TINY, Project


def needed(knob: Knob) -> dict[str, Value]:
    """Return settings under which ``knob`` is read."""
    found: dict[str, Value] = {}
    for other, allowed in knob.needs.items():
        found |= needed(KNOBS[other])
        found[other] = KNOBS[other].example if allowed is ON else allowed[0]
    return found


def base_for(knob: Knob) -> dict[str, Value]:
    """Return the tiny settings without the knob itself, and with what it needs."""
    given = {**needed(knob), **knob.example_with}
    groups = {KNOBS[n].exclusive for n in (knob.name, *given)} - {""}
    rivals = {k.name for k in KNOBS.values() if k.exclusive in groups}
    base = {n: v for n, v in TINY.items() if n != knob.name and n not in rivals} | given
    whole = {n: k.default for n, k in KNOBS.items()} | base
    return {n: v for n, v in base.items() if is_relevant(KNOBS[n], whole)}


def before_and_after(project: Project, knob: Knob) -> tuple[Cell, Cell]:
    """Return the cell without the knob's example and the one with it.

    Where only the example makes its surroundings legal, the cell before is without them.
    """
    base = base_for(knob)
    after = project.plan({**base, knob.name: knob.example}).cells[0]
    try:
        before = project.plan(base)
    except GolfError:
        before = project.plan({n: v for n, v in base.items() if n not in knob.example_with})
    return before.cells[0], after
