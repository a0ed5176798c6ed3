"""Quantize the exported weights and write the artifact that would be submitted."""

from __future__ import annotations

import time

from golf.config.schema import group_from
from golf.config.schema.post import QuantConfig
from golf.model.roles import roles_of
from golf.quant.artifact import Artifact, write_artifact
from golf.quant.quantize import quantize_weights
from golf.stages.code_bytes import code_bytes
from golf.stages.context import Context, Outcome, model_settings
from golf.stages.weights import read_weights


def main(context: Context) -> Outcome:
    """Write the artifact on the leading process; its size is that of the file on disk."""
    started = time.perf_counter()
    settings, weights = read_weights(context)
    model = context.bench.model_with(settings, weights, context.world)
    buckets = {name: role.bucket for name, role in roles_of(model).items()}
    config = group_from(context.node.spec, QuantConfig)
    context.progress(0, 1, "compressing")
    if context.world.leads:
        tensors = quantize_weights(weights, buckets, config)
        artifact = Artifact(model_settings(settings), tensors)
        write_artifact(context.files.artifact, artifact, config.brotli_quality)
    context.world.wait()
    model_bytes = context.files.artifact.stat().st_size
    code = code_bytes()
    measures = {
        "model_bytes": model_bytes,
        "code_bytes": code,
        "artifact_bytes": model_bytes + code,
        "quantize_s": time.perf_counter() - started,
    }
    return Outcome(measures, {"code_bytes": "provisional"}, context.files.artifact)
