"""A matrix and the results so far to a plan: rows that are known, and rows that wait."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from golf.config.machine import Launch, Machine
from golf.config.matrix import BASELINE, Layer, Matrix
from golf.errors import fail
from golf.frozen import Frozen
from golf.plan.cells import Place, plan_matrix
from golf.plan.expand import Scope, expand
from golf.plan.graph import Plan
from golf.plan.row import Rows
from golf.plan.stack import RowMaker

if TYPE_CHECKING:
    from golf.plan.staging import Ask


class Setup(Frozen):
    """What a plan is made with, beside its matrix."""

    launch: Launch
    machine: Machine
    profile: str
    overrides: Layer
    root: Path
    variant: str


def assemble(matrix: Matrix, setup: Setup, ask: Ask) -> Plan:
    """Return the plan of ``matrix``, as far as results tell which rows there are.

    Every row is checked at once, also those that wait: a mistake in a late wave is found before
    the first one is paid for.

    Raises:
        GolfError: everything that is wrong with the file.
    """
    checked = _expand(matrix, setup, late_rows(matrix))
    if not matrix.waves and not matrix.seed_rule:
        return plan_matrix(checked, setup.root, setup.variant)
    from golf.plan.sequential import ruled  # noqa: PLC0415 (start-up: most have no waves)
    from golf.plan.staging import Staging  # noqa: PLC0415

    _refuse_dropped(matrix, checked)
    names = {row.name for row in checked.rows}
    matrix = replace(matrix, drafts=tuple(d for d in matrix.drafts if d.name in names))
    maker = RowMaker(matrix, setup.launch, setup.machine, checked.profile, setup.overrides)
    staging = Staging(matrix, maker, Place(setup.launch, setup.machine, setup.root), ask)
    staging.go()
    waves = {wave.name for wave in matrix.waves}
    known = replace(matrix, drafts=staging.drafts(), where=(), exclude=())
    rows = replace(
        _expand(known, setup, frozenset(), whole=False),
        dropped=(*checked.dropped, *staging.dropped),
    )
    rows = replace(rows, rows=tuple(staging.with_seeds(row) for row in rows.rows))
    return replace(
        plan_matrix(rows, setup.root, setup.variant),
        outcomes=tuple(
            outcome.with_base(BASELINE, rows.rows[0].name) if source in waves else outcome
            for source, outcome in staging.outcomes.items()
        ),
        waiting=tuple(staging.waiting),
        before=tuple(staging.before),
        ruled=ruled(matrix, staging.rulings, rows.rows[0].name),
    )


def _expand(matrix: Matrix, setup: Setup, late: frozenset[str], whole: bool = True) -> Rows:
    scope = Scope(late, whole, setup.root)
    return expand(matrix, setup.launch, setup.machine, setup.profile, setup.overrides, scope)


def late_rows(matrix: Matrix) -> frozenset[str]:
    """Return the rows whose base only results can tell, and those that build on them."""
    late = {n for w in matrix.waves if w.winner_of or w.greedy for n in w.rows}
    parents = {draft.name: draft.parent for draft in matrix.drafts}
    while more := {n for n, parent in parents.items() if parent in late and n not in late}:
        late |= more
    return frozenset(late - {BASELINE})


def _refuse_dropped(matrix: Matrix, checked: Rows) -> None:
    dropped = {point.name: point.reason for point in checked.dropped}
    for wave in matrix.waves:
        for name in wave.rows:
            if name in dropped:
                what = f"wave {wave.name!r} names row {name!r}, which is dropped"
                raise fail(what, dropped[name], wave.where)
