"""The weights that a node reads: from a training's checkpoint, or from an artifact's bytes."""

from __future__ import annotations

from collections.abc import Mapping
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
    """Return the model that this node starts from, built for the node's windows."""
    settings, weights = read_weights(context)
    length = window_length(context)
    if length != settings["train.seq_len"]:
        scaling = context.node.spec.get("eval.rope_scaling", "none")
        settings = stretched(settings, length, scaling)
    if context.eager:
        settings |= uncompiled(settings)
    return context.bench.model_with(settings, weights, context.world)


def uncompiled(numerics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numerics policy without the compiler, which flex attention needs."""
    attention = numerics["numerics.attention"]
    kept = "sdpa" if attention == "flex" else attention
    return {"numerics.compile": False, "numerics.attention": kept}


def window_length(context: Context) -> int:
    """Return the length of the node's evaluation windows."""
    length: int = context.node.spec.get("eval.seq_len") or context.training["train.seq_len"]
    return length


def stretched(settings: dict[str, Any], length: int, scaling: str) -> dict[str, Any]:
    """Return the settings of the same model for windows of another length.

    Short attention windows stay as long as they were in training. Rotary positions follow the
    rule that the training had for longer sequences, or else ``scaling``.
    """
    trained = settings["train.seq_len"]
    done = {**settings, "train.seq_len": length}
    if "model.short_window" in settings:
        short = int(trained * settings["model.short_window"])
        done["model.short_window"] = (short + 0.5) / length  # int(share * length) is short again
    if scaling != "none" and "model.rope_train_len" not in settings:
        done |= {"model.rope_train_len": trained, "model.rope_scaling": scaling}
    return done
