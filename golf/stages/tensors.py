"""``python -m golf.stages.tensors REQUEST ANSWER``: what each tensor takes and loses.

The request names the folder of a finished quantization, and says whether errors are wanted in
the Hessian norm too, for which the model reads its calibration batches again.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from golf.config.fitted import settled_spec
from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.errors import GolfError, fail
from golf.files import file_sha256, read_json, write_json
from golf.model.gpt import GPT
from golf.model.roles import roles_of
from golf.quant.artifact import read_artifact
from golf.quant.gap import Gap, role_lines
from golf.records import Result, read_result, read_spec
from golf.stages.calibrate import collect_hessians
from golf.stages.context import Bench, Context
from golf.stages.quantize import packing_of
from golf.stages.weights import load_model
from golf.stages.world import World, set_numerics


def main(request: Path, answer: Path) -> int:
    """Write lines of tensors, of roles and of other bits; return the exit code."""
    asked = read_json(request)
    try:
        write_json(answer, describe(Path(asked["node"]), asked["hessians"]))
    except GolfError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def describe(folder: Path, with_hessians: bool) -> dict[str, Any]:
    """Return what there is to tell about the artifact of a finished quantization.

    Raises:
        GolfError: the artifact is damaged, or Hessians are wanted and the checkpoint is gone.
    """
    context = Context(read_spec(folder), folder, World(0, 1, torch.device("cpu")), Bench())
    context.eager = True
    set_numerics({**context.training, "numerics.device": "cpu"})
    found = read_result(context.files)
    assert found is not None, "planning asks about finished nodes"
    config = group_from(settled_spec(found.spec, found.facts), QuantConfig)
    artifact, packed = read_artifact(context.files.artifact), context.files.artifact.read_bytes()
    model, weights = _weights(context, found)
    hessians: dict[str, Tensor] = {}
    if with_hessians and not weights:
        now = "made anew" if context.source.checkpoint.exists() else "cleaned away"
        what = f"the checkpoint was {now}, and Hessians are made from it"
        raise fail(what, where=str(context.source.checkpoint))
    if with_hessians:
        hessians = collect_hessians(context, model, config)
    roles = {name: role.bucket for name, role in roles_of(model).items()}
    gap = Gap(artifact.tensors, roles, config, weights, hessians)
    lines = gap.lines(packed, packing_of(config))
    return {
        "model_bytes": len(packed),
        "tensors": lines,
        "roles": role_lines(lines, len(packed)),
        "one_bit": gap.one_bit(),
    }


def _weights(context: Context, found: Result) -> tuple[GPT, dict[str, Tensor]]:
    """Return the model, and the weights that were quantized; none where they are gone."""
    checkpoint = context.source.checkpoint
    if not checkpoint.exists() or file_sha256(checkpoint) not in found.inputs.values():
        artifact = read_artifact(context.files.artifact)
        settings = {**context.training, "numerics.compile": False, "numerics.attention": "tiles"}
        return context.bench.model_with(settings, artifact.weights(), context.world), {}
    model = load_model(context)
    model.bake()
    return model, {n: p.detach().float() for n, p in model.named_parameters()}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
