"""Quantize the exported weights and write the artifact that would be submitted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.model.gpt import GPT
from golf.model.roles import roles_of
from golf.quant.artifact import Artifact, Packing, pack_artifact, write_artifact
from golf.quant.codec.layout import Layout
from golf.quant.prune import prune_to
from golf.quant.quantize import Tensors, quantize_weights
from golf.quant.shares import bytes_by_kind
from golf.quant.size import coded_bytes, share_on_floor
from golf.stages.calibrate import collect_hessians
from golf.stages.code_bytes import code_bytes
from golf.stages.context import Context, Outcome, model_settings
from golf.stages.weights import load_model

# How the model computes; an artifact carries it, so that scoring it needs nothing else.
NUMERICS = ("numerics.device", "numerics.dtype", "numerics.attention")


def main(context: Context) -> Outcome:
    """Write the artifact on the leading process; its size is that of the file on disk."""
    clock = Clock()
    config = group_from(context.node.spec, QuantConfig)
    model, hessians = calibrated(context, config)
    clock.lap("calibrate_s")
    tensors = quantize(model, config, hessians) if context.world.leads else {}
    clock.lap("round_s")
    return finish(context, context.node.spec, tensors, clock)


def calibrated(context: Context, config: QuantConfig) -> tuple[GPT, dict[str, Tensor]]:
    """Return the model with the weights that are exported, and the Hessians that GPTQ takes."""
    model = load_model(context)
    model.bake()
    return model, collect_hessians(context, model, config) if config.method == "gptq" else {}


def finish(context: Context, spec: Mapping[str, Any], tensors: Tensors, clock: Clock) -> Outcome:
    """Write tensors that were made by ``spec`` on the leading process; say what that took."""
    config, facts = group_from(spec, QuantConfig), dict[str, object]()
    if context.world.leads:
        context.progress(0, 1, "compressing")
        facts["share_on_scale_floor"] = share_on_floor(tensors, config.scale_floor)
        written = write(context, tensors, config)
        clock.lap("compress_s")
        packed = context.files.artifact.read_bytes()
        facts["bytes_by_kind"] = bytes_by_kind(packed, written, packing_of(config))
    context.world.wait()
    model_bytes = context.files.artifact.stat().st_size
    code = code_bytes(context.training, spec)
    measures = {
        "model_bytes": model_bytes,
        "code_bytes": code,
        "artifact_bytes": model_bytes + code,
        "quantize_s": sum(clock.laps.values()),
        **clock.laps,
    }
    return Outcome(measures, facts, context.files.artifact)


class Clock:
    """Seconds between one lap and the next, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self.since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self.since = now - self.since, now


def quantize(model: GPT, config: QuantConfig, hessians: dict[str, Tensor]) -> Tensors:
    """Return the tensors of a model as codes and fp16."""
    weights = {n: p.detach().float().cpu() for n, p in model.named_parameters()}
    buckets = {name: role.bucket for name, role in roles_of(model).items()}
    with torch.inference_mode():
        return quantize_weights(weights, buckets, config, hessians)


def packing_of(config: QuantConfig) -> Packing:
    """Return how the knobs want codes turned into bytes."""
    layout = Layout(config.group_streams, config.sort_rows, config.byte_shuffle, config.bit_pack)
    return Packing(config.compressor, config.brotli_quality, layout)


def artifact_of(context: Context, tensors: Tensors) -> Artifact:
    """Return the tensors with the settings that rebuilding and scoring the model takes."""
    policy = {n: context.training[n] for n in NUMERICS}
    return Artifact(model_settings(context.training) | policy, tensors)


def write(context: Context, tensors: Tensors, config: QuantConfig) -> Tensors:
    """Write the file and return what it holds; prune first where a size is given."""
    packing = packing_of(config)
    if config.prune_to_bytes is not None:
        tensors = prune_to(
            tensors,
            config.prune_to_bytes,
            lambda t: len(pack_artifact(artifact_of(context, dict(t)), packing)),
            coded_bytes,
        )
    write_artifact(context.files.artifact, artifact_of(context, tensors), packing)
    return tensors
