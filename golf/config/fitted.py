"""A row whose bits and clips were chosen to fit, and the row that sets what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIT = "quant.fit_bytes"
FIT_KNOBS = (FIT, "quant.fit_tokens")
ROLES = ("attn", "mlp", "embed")
STEPS = [2 ** (i / 4) / 32 for i in range(27)]  # of a grid, in standard deviations: to 2.8
SPARE = 500  # bytes left free: a script's size moves by 200 with any number that stands in it
CLOSE = 0.002  # of the cap: how far below it is close enough


def fitted_spec(spec: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the quantization that sets what fitting chose; it gives the same artifact."""
    return {n: v for n, v in spec.items() if n not in FIT_KNOBS} | dict(settings)


def settled_spec(spec: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finished quantization's settings, chosen ones included, by its result's facts."""
    fit = facts.get("fit")
    return fitted_spec(spec, fit["settings"]) if fit else dict(spec)
