"""Predicted sizes of a plan's rows, from what the workshop counted and finished nodes tell."""

from __future__ import annotations

from golf.config.kinds import Kind
from golf.launch.inspect import efficiencies
from golf.plan.cost import Counts
from golf.plan.graph import Plan
from golf.plan.results import all_results
from golf.plan.size.predict import Size, Subject, predict
from golf.plan.size.told import sized, told_of


def sizes(plan: Plan, models: Counts, code_bytes: float) -> dict[str, Size]:
    """Return the predicted size of each row's artifact; seeds do not differ in it.

    Args:
        plan: the rows.
        models: what the workshop counted, by row.
        code_bytes: of the script.
    """
    seen = sized(all_results(plan.paths))
    rows = {}
    for cell in plan.cells:
        training, quant = cell.train.spec, cell.quantize.spec
        kinds = [Kind(**t) for t in models[cell.row.name]["tensors"]]
        rows[cell.row.name] = Subject(kinds, training, quant, told_of(seen, training, quant))
    found = efficiencies(plan, {s for row in rows.values() for s in row.samples()})
    return {name: predict(row, code_bytes, found.__getitem__) for name, row in rows.items()}
