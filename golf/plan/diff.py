"""What differs between rows, in knobs, and which stages that touches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from golf.config.knob import Stage
from golf.config.schema import KNOBS, is_relevant
from golf.config.values import format_value
from golf.plan.graph import Plan
from golf.plan.row import Row

AFTER = {
    Stage.TRAIN: (Stage.TRAIN, Stage.QUANTIZE, Stage.EVALUATE, Stage.TTT),
    Stage.QUANTIZE: (Stage.QUANTIZE, Stage.EVALUATE, Stage.TTT),
    Stage.EVALUATE: (Stage.EVALUATE, Stage.TTT),
    Stage.TTT: (Stage.TTT,),
}
IRRELEVANT = "-"


def row_differences(a: Row, b: Row) -> dict[str, tuple[str, str]]:
    """Return the knobs in which two rows differ, with both values; seeds are left out."""
    found = {}
    for name, knob in KNOBS.items():
        if knob.stage is Stage.RUNTIME or name in ("train.seed", "train.data_seed"):
            continue
        shown = [
            format_value(row.values[name]) if is_relevant(knob, row.values) else IRRELEVANT
            for row in (a, b)
        ]
        if shown[0] != shown[1]:
            found[name] = (shown[0], shown[1])
    return found


def stages_touched(names: Iterable[str]) -> list[str]:
    """Return the stages whose nodes differ, in order."""
    touched = {stage for name in names for stage in AFTER[KNOBS[name].stage]}
    return [str(stage) for stage in Stage if stage in touched]


def difference_lines(a: Row, b: Row) -> Iterator[str]:
    """Yield the differences of two rows and the stages that they touch."""
    found = row_differences(a, b)
    if not found:
        yield "  the same work"
        return
    width = max(map(len, found))
    for name, (left, right) in found.items():
        yield f"  {name:<{width}}  {left} -> {right}"
    yield f"  touches: {', '.join(stages_touched(found))}"


def plan_difference_lines(a: Plan, b: Plan) -> Iterator[str]:
    """Yield how two matrices differ: rows that only one has, then what differs in the others.

    Baselines are held against each other whatever they are called.
    """
    left, right = ({r.name: r for r in p.rows.rows} for p in (a, b))
    names = [p.rows.rows[0].name for p in (a, b)]
    pairs = [(names[0], names[1])]
    pairs += [(n, n) for n in left if n in right and n != names[0] and n != names[1]]
    for mine, other, path in ((left, right, a.rows.matrix.path), (right, left, b.rows.matrix.path)):
        gone = [n for n in mine if n not in other and n not in names]
        if gone:
            yield f"only in {path}: {', '.join(gone)}"
    alike = 0
    for one, two in pairs:
        if row_differences(left[one], right[two]):
            yield one if one == two else f"{one} | {two}"
            yield from difference_lines(left[one], right[two])
        else:
            alike += 1
    yield f"{alike} rows are the same work"
