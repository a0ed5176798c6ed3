"""The weights that a node reads: from a training's checkpoint, or from an artifact's bytes."""

from __future__ import annotations

from typing import Any

from safetensors import safe_open
from torch import Tensor

from golf.model.gpt import GPT
from golf.quant.artifact import read_artifact
from golf.stages.context import Context, model_settings, numerics_of

EXPORTED = "export."


def read_weights(context: Context) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the model's settings and the weights that this node starts from.

    After ``quantize`` nothing but the artifact's own bytes is used.
    """
    assert context.node.weights is not None, "a training starts from nothing"
    stage, _ = context.node.weights
    numerics = numerics_of(context.training)
    if stage == "quantize":
        artifact = read_artifact(context.source.artifact)
        return artifact.settings | numerics, artifact.weights()
    with safe_open(context.source.checkpoint, "pt") as f:
        names = [n for n in f.keys() if n.startswith(EXPORTED)]  # noqa: SIM118 (not a dict)
        weights = {n.removeprefix(EXPORTED): f.get_tensor(n) for n in names}
    return model_settings(context.training) | numerics, weights


def load_model(context: Context) -> GPT:
    """Return the model that this node starts from."""
    settings, weights = read_weights(context)
    return context.bench.model_with(settings, weights, context.world)
