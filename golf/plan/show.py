"""A plan in words: what will run, what is reused, and where a row's values come from."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from golf.config.schema import KNOBS, is_relevant
from golf.config.values import format_value
from golf.errors import did_you_mean, fail
from golf.frozen import Frozen
from golf.plan.cost import Counts, Estimate
from golf.plan.doubts import doubts
from golf.plan.fitted import choice_lines
from golf.plan.graph import Cell, Plan
from golf.plan.row import Row
from golf.plan.size.show import size_json, size_lines, size_words
from golf.plan.work import NEVER, counts, pending, reasons
from golf.records import NodeId, begun, stands

if TYPE_CHECKING:
    from golf.plan.size.predict import Size

SHOWN_POINTS = 20
SMALL_ROWS, LARGE_ROWS, SMALL_HOURS, LARGE_HOURS = 5, 15, 1.0, 3.0


class PlanView(Frozen):
    """A plan with what is known about its cost.

    Attributes:
        models: parameters and operations per token of each row's model.
        cost: predicted seconds.
        price: money per hour of the whole machine.
        sizes: predicted bytes of each row's artifact.
    """

    plan: Plan
    models: Counts | None = None
    cost: Estimate | None = None
    price: float | None = None
    sizes: Mapping[str, Size] | None = None

    def money(self, seconds: float | None) -> float | None:
        """Return the price of ``seconds`` of one of the jobs that run side by side."""
        if seconds is None or self.price is None or self.cost is None:
            return None
        return seconds / self.cost.slots / 3600 * self.price

    @property
    def size(self) -> str:
        """The matrix's size: small, medium or large, by rows beside the baseline and by hours."""
        rows = len(self.plan.rows.rows) - 1 + sum(len(w.rows) for w in self.plan.waiting)
        hours = self.cost.hours if self.cost else None
        if rows >= LARGE_ROWS or (hours or 0.0) >= LARGE_HOURS:
            return "large"
        small = rows <= SMALL_ROWS or (hours is not None and hours < SMALL_HOURS)
        return "small" if small else "medium"


def plan_json(view: PlanView) -> dict[str, Any]:
    """Return rows with counts, reasons and predictions, and the totals of unique nodes."""
    plan, todo, here = view.plan, pending(view.plan), begun(view.plan.paths)
    return {
        "matrix": plan.rows.matrix.name,
        "priority": plan.rows.matrix.about.priority or None,
        "size": view.size,
        "rows": [_row_json(view, row, todo, here) for row in plan.rows.rows],
        "dropped": [dataclasses.asdict(d) for d in plan.rows.dropped],
        "waiting": [dataclasses.asdict(group) for group in plan.waiting],
        "warnings": [*doubts(plan.rows)],
        "waves": [outcome.record() for outcome in plan.outcomes],
        "nodes": counts(plan.nodes.values(), todo),
        "seconds": view.cost.total if view.cost else None,
        "hours": view.cost.hours if view.cost else None,
        "money": view.money(view.cost.total) if view.cost else None,
        "predicted_from": view.cost.seen if view.cost else None,
    }


def _row_json(view: PlanView, row: Row, todo: set[str], here: set[NodeId]) -> dict[str, Any]:
    nodes = [n for c in view.plan.cells_of(row) for n in c.nodes()]
    seconds = view.cost.rows[row.name] if view.cost else None
    return {
        "row": row.name,
        "change": row.change,
        "parent": row.parent or None,
        "priority": row.about.priority or None,
        "params": view.models[row.name]["parameters"] if view.models else None,
        "flops_per_token": view.models[row.name]["flops_per_token"] if view.models else None,
        "nodes": counts(nodes, todo),
        "reasons": reasons(view.plan, nodes, todo, here),
        "seconds": seconds,
        "money": view.money(seconds),
        **size_json(view.sizes[row.name] if view.sizes else None),
    }


def plan_lines(view: PlanView) -> Iterator[str]:
    """Yield the plan for the terminal: a line per row, then the totals."""
    plan, todo, here = view.plan, pending(view.plan), begun(view.plan.paths)
    width = max(len(r.name) for r in plan.rows.rows)
    for row in plan.rows.rows:
        nodes = [n for c in plan.cells_of(row) for n in c.nodes()]
        number = counts(nodes, todo)
        base = ("", plan.rows.rows[0].name)
        parent = f"  (against {row.parent})" if row.parent not in base else ""
        line = f"{row.name:<{width}}  {_facts(view, row)}"
        line += f"run {number['run']:>3}  reuse {number['reuse']:>3}"
        yield (line + _again(reasons(plan, nodes, todo, here)) + f"  {row.change}{parent}").rstrip()
    yield from _dropped_lines(plan)
    for outcome in plan.outcomes:
        yield from outcome.lines()
    yield from waiting_lines(plan)
    yield from doubts(plan.rows)
    yield _totals(view, todo)
    yield from _cost_lines(view, todo)
    yield from size_lines((view.sizes or {}).values())


def _facts(view: PlanView, row: Row) -> str:
    """Return a row's parameters, operations per token, time and money."""
    facts = ""
    if view.models:
        model = view.models[row.name]
        facts += f"{model['parameters']:>12,}  {model['flops_per_token'] / 1e6:>9,.1f} MFLOP  "
    if view.sizes:
        facts += size_words(view.sizes[row.name])
    if view.cost:
        seconds = view.cost.rows[row.name]
        facts += f"{'?' if seconds is None else duration(seconds):>7}  "
        if view.price is not None:
            money = view.money(seconds)
            facts += f"{'?' if money is None else f'{money:,.2f}':>8}  "
    return facts


def _again(why: Mapping[str, int]) -> str:
    """Return the reasons of nodes that ran before."""
    told = [f"{number} since {text}" for text, number in why.items() if text != NEVER]
    return f"  ({', '.join(told)})" if told else ""


def _totals(view: PlanView, todo: set[str]) -> str:
    plan = view.plan
    total = counts(plan.nodes.values(), todo)
    trainings = sum(1 for n in plan.nodes.values() if n.key in todo and n.weights is None)
    jobs = len({n.training.key for n in plan.nodes.values() if n.key in todo})
    return (
        f"{_extent(plan)}: {total['run']} nodes to run "
        f"({trainings} trainings, {jobs} jobs), {total['reuse']} to reuse"
    )


def _cost_lines(view: PlanView, todo: set[str]) -> Iterator[str]:
    """Yield the predicted time and money, and what they are told from."""
    cost = view.cost
    if cost is None:
        return
    if cost.total is None or cost.hours is None:
        part = math.fsum(cost.nodes.values())
        known = f"; {len(cost.nodes)} of {len(todo)} nodes take {_taking(view, part)}"
        yield f"time: not known{known if cost.nodes else ''}"
        yield "  no finished node tells of the rest; golf plan --calibrate runs a short training"
        return
    yield f"time: {_taking(view, cost.total)} ({view.size})"
    if cost.seen:
        yield f"  told from {cost.seen} finished nodes on this kind of device"
    elif cost.total:
        yield "  told from the budget alone; no finished node is near in size"


def _taking(view: PlanView, seconds: float) -> str:
    """Return the time until nodes of so many seconds are done, and their price."""
    assert view.cost
    slots, money = view.cost.slots, view.money(seconds)
    side_by_side = f", {slots} jobs at a time" if slots > 1 else ""
    price = f", {money:,.2f} at {view.price:g} an hour" if money is not None else ""
    return duration(seconds / slots) + side_by_side + price


def duration(seconds: float) -> str:
    """Return seconds for people: 41s, 12m30s, 3h05m."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def _dropped_lines(plan: Plan) -> Iterator[str]:
    """Yield each point that is no row, with the reason."""
    dropped = plan.rows.dropped
    yield from (f"dropped {d.name}: {d.reason}" for d in dropped[:SHOWN_POINTS])
    if len(dropped) > SHOWN_POINTS:
        yield f"dropped {len(dropped) - SHOWN_POINTS} more; --json lists them all"


def waiting_lines(plan: Plan) -> Iterator[str]:
    """Yield the rows that are not known yet, and what each waits for."""
    for other in plan.before:
        left = len(pending(other))
        yield f"before: {other.rows.matrix.path} has {left} nodes to run"
    for group in plan.waiting:
        yield f"waiting for {group.reason}: {', '.join(group.rows)}"


def _extent(plan: Plan) -> str:
    rows, seeds = plan.rows.rows, plan.rows.seeds
    if all(row.seeds == seeds for row in rows):
        return f"{len(rows)} rows x {len(seeds)} seeds"
    return f"{len(rows)} rows, {len(plan.cells)} cells"


def find_row(plan: Plan, name: str) -> Row:
    """Return the row called ``name``; the baseline for "".

    Raises:
        GolfError: there is none.
    """
    rows = {r.name: r for r in plan.rows.rows}
    if not name:
        return plan.rows.rows[0]
    if name not in rows:
        hint = did_you_mean(name, rows) or f"there are {', '.join(rows)}"
        raise fail(f"no row {name!r}", hint, str(plan.rows.matrix.path))
    return rows[name]


def cell_of(plan: Plan, row: Row, seed: int | None) -> Cell:
    """Return the cell of a row and a seed; of its first seed for None.

    Raises:
        GolfError: the row has no such seed.
    """
    cells = {c.seed: c for c in plan.cells_of(row)}
    if seed is not None and seed not in cells:
        listed = ", ".join(map(str, cells))
        raise fail(f"row {row.name!r} has no seed {seed}", f"there are {listed}")
    return cells[seed] if seed is not None else next(iter(cells.values()))


def window_words(row: Row) -> str:
    """Return the realised window of each layer, and how many layers see everything."""
    depth, pattern = row.values["model.depth"], str(row.values["model.window_pattern"])
    assert isinstance(depth, int)
    layers = pattern if len(pattern) == depth else pattern * depth
    return f"{layers} ({100 * layers.count('L') / depth:g} % global)"


def row_lines(plan: Plan, row: Row) -> Iterator[str]:
    """Yield a row's settings with their origins, and the folders of its nodes."""
    yield f"{row.name}: {row.change or 'the baseline'}"
    width = max(map(len, KNOBS))
    for name, knob in KNOBS.items():
        if is_relevant(knob, row.values):
            value = format_value(row.values[name])
            yield f"  {name:<{width}}  {value:<12} {row.origins.get(name, 'default')}".rstrip()
    yield f"  {'windows of the layers':<{width}}  {window_words(row)}"
    for cell in plan.cells_of(row):
        yield f"seed {cell.seed}"
        for node in cell.nodes():
            done = "done" if stands(plan.paths, *node.id) else "to run"
            yield f"  {done:<7} {plan.node_paths(node).folder}"
        yield from choice_lines(plan, cell)
