"""What fitting to a cap chose, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from golf.config.fitted import FIT
from golf.config.schema import KNOBS
from golf.config.values import format_value
from golf.plan.columns import columns
from golf.plan.graph import Cell, Plan
from golf.records import Result, read_result, stands

HEADS = ("role", "bits", "clip", "weights", "bytes", "loss")


def choice_lines(plan: Plan, cell: Cell) -> Iterator[str]:
    """Yield what was chosen for a cell whose bits are fitted, once it is quantized."""
    node = cell.quantize
    if FIT not in node.spec or not stands(plan.paths, *node.id):
        return
    found = read_result(plan.node_paths(node))
    assert found is not None, "the node stands"
    yield from (f"  {line}" for line in fit_lines(found))


def fit_lines(result: Result) -> Iterator[str]:
    """Yield a table of the roles, the outcome, and the settings to paste into a matrix."""
    fit, sizes = result.facts["fit"], result.measures
    yield from columns([HEADS, *map(_cells, fit["roles"])])
    windows = f"{fit['windows']} windows of the training split"
    loss = f"{fit['loss_nats']:+.4f} ± {fit['unsure_nats']:.4f} nats per token on {windows}"
    yield f"all: {loss} ({fit['plain_nats']:.4f} without rounding)"
    yield _outcome(fit, sizes)
    yield "to set this without fitting:"
    yield from (f"  {_short(n)}: {format_value(v)}" for n, v in fit["settings"].items())


def _cells(role: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        role["role"], str(role["bits"]), f"{role['clip_sigmas']:g}", f"{role['weights']:,}",
        f"{role['coded_bytes']:,}", f"{role['loss_nats']:+.4f}",
    )  # fmt: skip


def _outcome(fit: Mapping[str, Any], sizes: Mapping[str, float]) -> str:
    code, model = int(sizes["code_bytes"]), int(sizes["model_bytes"])
    total = f"{model:,} bytes of model and {code:,} of code are {model + code:,}"
    left = fit["cap"] - model - code
    if fit["over"]:
        return f"{total}: {-left:,} over the cap of {fit['cap']:,}, and nothing is smaller"
    if fit["free"]:
        return f"{total}: the finest settings leave {left:,} of {fit['cap']:,} free"
    return f"{total}: {left:,} under the cap of {fit['cap']:,}"


def _short(name: str) -> str:
    return KNOBS[name].leaf
