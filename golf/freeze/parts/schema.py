"""Stands in for ``golf.config.schema`` in a frozen script: values without knobs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from golf.freeze.parts.settings import LEFT_OUT

ModelConfig, DataConfig, TrainConfig, OptimConfig = "model.", "data.", "train.", "optim."
QuantConfig, EvalConfig, TTTConfig, RuntimeConfig = "quant.", "eval.", "ttt.", "runtime."


def group_from(spec: dict[str, Any], group: str) -> SimpleNamespace:
    """Return one group of settings: what the spec says, and what it leaves out."""
    values = {n: v for n, v in (LEFT_OUT | spec).items() if n.startswith(group)}
    return SimpleNamespace(
        **{n[len(group) :]: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
    )
