"""What test-time training says of itself: whether it learned, and how often the model paused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from golf.config.values import listed
from golf.plan.graph import Node, Plan
from golf.plan.row import Row
from golf.plan.shelf import Found

NOTHING = "test-time training learned nothing, so that its score is that of weights as they are"


def untaught(plan: Plan, result_of: Callable[[Node], Found | None]) -> list[str]:
    """Return what a reader must know of methods that learned less than was asked for."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in plan.rows.rows:
        for text in dict.fromkeys(_shortfalls(plan, row, result_of)):
            found[text].append(row.name)
    return [f"{text}: {listed(names)}" for text, names in found.items()]


def _shortfalls(plan: Plan, row: Row, result_of: Callable[[Node], Found | None]) -> Iterator[str]:
    """Yield what each finished node of a row fell short of."""
    cells = [one for c in plan.cells_of(row) for one in (c, *c.also.values())]
    for node in [c.ttt for c in cells if c.ttt]:
        result = result_of(node)
        if result is None or "updates" not in result.facts:
            continue
        paused, asked = result.facts.get("pauses", 0), node.spec.get("ttt.phases", 0)
        if not result.facts["updates"] and not paused:
            yield NOTHING
        elif isinstance(asked, int) and paused < asked:
            yield f"the model learned in {paused} of {asked} pauses of test-time training"
