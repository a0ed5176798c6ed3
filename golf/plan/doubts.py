"""Settings that are legal and yet hardly meant: a stretch of steps that is longer than the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from golf.config.knob import Scale, Stage
from golf.config.schema import KNOBS, is_relevant
from golf.config.values import listed
from golf.plan.row import Row, Rows

STRETCHES = tuple(
    k for k in KNOBS.values()
    if k.stage is Stage.TRAIN and k.scale is Scale.STEPS and k.exclusive != "budget"
)  # fmt: skip


def doubts(rows: Rows) -> Iterator[str]:
    """Yield a line for each knob that counts more steps than a row trains.

    Published settings do that where they are run for a short time, so it is no mistake. With a
    budget in seconds the steps are not known, and nothing is said.
    """
    found: dict[tuple[str, int, int], list[str]] = defaultdict(list)
    for row in rows.rows:
        for one in (row, *row.also.values()):
            for exceeding in _exceeding(one):
                found[exceeding] += [] if row.name in found[exceeding] else [row.name]
    for (name, number, steps), names in found.items():
        yield f"warning: {name} {number} is longer than a run of {steps} steps: {listed(names)}"


def _exceeding(row: Row) -> Iterator[tuple[str, int, int]]:
    """Yield knobs that count more steps than the row's budget has: name, value, steps."""
    steps = row.values["train.steps"]
    if not isinstance(steps, int):
        return
    for knob in STRETCHES:
        value = row.values[knob.name]
        if isinstance(value, int) and value > steps and is_relevant(knob, row.values):
            yield knob.name, value, steps
