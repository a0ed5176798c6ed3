"""A plan in words: what will run, what is reused, and where a row's values come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from golf.config.schema import KNOBS, is_relevant
from golf.config.values import format_value
from golf.errors import did_you_mean, fail
from golf.plan.graph import Plan
from golf.plan.row import Row
from golf.plan.work import counts, jobs, pending
from golf.records import stands

SHOWN_POINTS = 20

Counts = Mapping[str, Mapping[str, int]]


def plan_json(plan: Plan, models: Counts) -> dict[str, Any]:
    """Return rows with parameters and node counts, and the totals of unique nodes."""
    todo = pending(plan)
    rows = [
        {
            "row": row.name,
            "change": row.change,
            "parent": row.parent or None,
            "params": models[row.name]["parameters"],
            "flops_per_token": models[row.name]["flops_per_token"],
            "nodes": counts((n for c in plan.cells_of(row) for n in c.nodes()), todo),
        }
        for row in plan.rows.rows
    ]
    dropped = [dataclasses.asdict(d) for d in plan.rows.dropped]
    waiting = [dataclasses.asdict(group) for group in plan.waiting]
    return {
        "rows": rows,
        "dropped": dropped,
        "waiting": waiting,
        "waves": [o.record() for o in plan.outcomes],
        "nodes": counts(plan.nodes.values(), todo),
    }


def plan_lines(plan: Plan, models: Counts | None) -> Iterator[str]:
    """Yield the plan for the terminal: a line per row, then the totals."""
    todo = pending(plan)
    width = max(len(r.name) for r in plan.rows.rows)
    for row in plan.rows.rows:
        number = counts((n for c in plan.cells_of(row) for n in c.nodes()), todo)
        params = f"{models[row.name]['parameters']:>12,}  " if models else ""
        parent = (
            f"  (against {row.parent})" if row.parent not in ("", plan.rows.rows[0].name) else ""
        )
        line = f"{row.name:<{width}}  {params}run {number['run']:>3}  reuse {number['reuse']:>3}"
        yield (line + f"  {row.change}{parent}").rstrip()
    yield from _dropped_lines(plan)
    for outcome in plan.outcomes:
        yield from outcome.lines()
    yield from waiting_lines(plan)
    total, work = counts(plan.nodes.values(), todo), jobs(plan, todo)
    trainings = sum(1 for n in plan.nodes.values() if n.key in todo and n.weights is None)
    yield (
        f"{_extent(plan)}: {total['run']} nodes to run "
        f"({trainings} trainings, {len(work)} jobs), {total['reuse']} to reuse"
    )


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
