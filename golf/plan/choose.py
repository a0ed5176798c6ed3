"""Parts of a plan: some rows, those of a priority, those that fit into so many hours."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from golf.config.about import PRIORITIES
from golf.errors import fail
from golf.plan.cost import Estimate
from golf.plan.graph import Plan
from golf.plan.row import Row
from golf.plan.show import find_row

UNLABELLED = 1.5  # between medium and low


def only(plan: Plan, names: Iterable[str]) -> Plan:
    """Return the plan of these rows and of those that they are compared with.

    Raises:
        GolfError: there is no such row.
    """
    wanted = {row.name for name in names for row in _line(plan, find_row(plan, name))}
    rows = tuple(row for row in plan.rows.rows if row.name in wanted)
    cells = tuple(cell for cell in plan.cells if cell.row.name in wanted)
    return replace(plan, rows=replace(plan.rows, rows=rows), cells=cells, waiting=(), before=())


def with_priority(plan: Plan, priority: str) -> Plan:
    """Return the plan of the rows of this priority.

    Raises:
        GolfError: no row has it.
    """
    names = [row.name for row in plan.rows.rows if row.about.priority == priority]
    if not names:
        there = sorted({row.about.priority for row in plan.rows.rows} - {""})
        hint = f"there are {', '.join(there)}" if there else "no row states one"
        raise fail(f"no row has priority {priority!r}", hint, str(plan.rows.matrix.path))
    return only(plan, names)


def within_hours(plan: Plan, estimated: Estimate, hours: float) -> list[str]:
    """Return the rows that are done within so many hours, the most important ones first.

    A row is chosen together with those that it is compared with, and takes the time of all its
    nodes that no chosen row needs.

    Raises:
        GolfError: the time of a row is not known.
    """
    unknown = [name for name, seconds in estimated.rows.items() if seconds is None]
    if unknown:
        hint = "golf plan --calibrate runs a short training to find out"
        raise fail(f"the time of row {unknown[0]!r} is not known", hint, str(plan.rows.matrix.path))
    chosen: dict[str, None] = {}
    work: dict[str, float] = {}
    trainings: set[str] = set()
    spent = 0.0
    base, *others = plan.rows.rows
    for row in (base, *sorted(others, key=_rank)):
        line = [one for one in reversed(_line(plan, row)) if one.name not in chosen]
        nodes = [n for one in line for cell in plan.cells_of(one) for n in cell.nodes()]
        more = {n.key: n for n in nodes if n.key in estimated.nodes and n.key not in work}
        jobs = trainings | {n.training.key for n in more.values()}
        total = spent + math.fsum(estimated.nodes[key] for key in more)
        if total <= hours * 3600 * max(1, min(estimated.slots, len(jobs))):
            spent, trainings = total, jobs
            work |= {key: estimated.nodes[key] for key in more}
            chosen |= dict.fromkeys(one.name for one in line)
        elif not chosen:
            return []
    return list(chosen)


def _rank(row: Row) -> float:
    known = row.about.priority in PRIORITIES
    return PRIORITIES.index(row.about.priority) if known else UNLABELLED


def _line(plan: Plan, row: Row) -> list[Row]:
    line = [row]
    while line[-1].parent:
        line.append(find_row(plan, line[-1].parent))
    return line
