"""``python -m golf.stages.verify REQUEST ANSWER``: score an artifact from its bytes alone.

The request names an artifact, data and specs of evaluations; the process works in a folder of its
own, where nothing else lies. The model's shape and numerics are those that the artifact carries.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import torch

from golf.config.geometry import geometry_problem
from golf.data.adopt import adopt, check_validation
from golf.data.prepare import read_prepared
from golf.errors import GolfError, fail
from golf.files import read_json, write_json
from golf.quant.artifact import read_artifact
from golf.records import NodeSpec, RunPaths, write_spec
from golf.stages import evaluate
from golf.stages.context import Bench, Context, model_settings
from golf.stages.soundness import POLICIES, check_settings
from golf.stages.world import join_world, leave_world, set_numerics

DATASET = "data"


def main(request: Path, answer: Path) -> int:
    """Write what ``answer_request`` finds; return the exit code."""
    try:
        write_json(answer, answer_request(request))
    except GolfError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def answer_request(request: Path) -> list[dict[str, Any]]:
    """Return measures and facts of each evaluation.

    Raises:
        GolfError: the artifact is no whole model, or the data cannot be read.
    """
    asked = read_json(request)
    paths, artifact = RunPaths(request.resolve().parent), asked["artifact"]
    settings = _sound_settings(artifact, asked["evaluations"])
    _adopt(paths.dataset(DATASET), Path(asked["data"]), settings)
    numerics = numerics_here(settings)
    set_numerics(numerics)
    _write_specs(paths, settings | numerics, Path(artifact))
    return [_score(paths, spec, numerics, artifact) for spec in asked["evaluations"]]


def _sound_settings(artifact: str, evaluations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the settings of a model that can be built from the file and scored as asked.

    Raises:
        GolfError: there is none.
    """
    found = read_artifact(Path(artifact))
    check_settings(found, artifact)
    for spec in evaluations:
        length = spec.get("eval.seq_len") or found.settings["train.seq_len"]
        problem = geometry_problem(spec["eval.geometry"], length)
        if problem:
            raise fail(problem, "give another --geometry", artifact)
    return model_settings(found.settings) | {n: found.settings[n] for n in POLICIES}


def _adopt(folder: Path, given: Path, settings: dict[str, Any]) -> None:
    """Take up the data, with its validation text as it lies there now."""
    vocab_size, seq_len = settings["data.vocab_size"], settings["train.seq_len"]
    adopt(folder, given, vocab_size, seq_len, splits=("val",))
    check_validation(read_prepared(folder), vocab_size, str(given))


def numerics_here(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the artifact's numerics as far as this machine has them; nothing is compiled.

    Flex attention that is not compiled writes out a (queries, keys) matrix.
    """
    here = {n: settings[n] for n in POLICIES}
    if here["numerics.device"] == "cuda" and not torch.cuda.is_available():
        here |= {"numerics.device": "cpu", "numerics.attention": "tiles"}
    if here["numerics.attention"] == "flex":
        here["numerics.attention"] = "sdpa"
    return here | {"numerics.compile": False, "numerics.world_size": 1}


def _write_specs(paths: RunPaths, training: dict[str, Any], artifact: Path) -> None:
    """Lay out a project in which the artifact is the only thing that was ever made."""
    for stage, spec, weights in (
        ("train", training, None),
        ("quantize", {}, ["train", "train"]),
    ):
        files = paths.node(stage, stage)
        write_spec(files, NodeSpec(stage, stage, 0, spec, DATASET, weights, {}))
    paths.node("quantize", "quantize").artifact.symlink_to(artifact)


def _score(
    paths: RunPaths, spec: dict[str, Any], numerics: dict[str, Any], artifact: str
) -> dict[str, Any]:
    node = NodeSpec("evaluate", "evaluate", 0, spec, DATASET, ["quantize", "quantize"], {})
    files = paths.node("evaluate", "evaluate")
    write_spec(files, node)
    world = join_world(numerics["numerics.device"])
    try:
        context = Context(node, files.folder, world, Bench())
        outcome = evaluate.main(context)
    finally:
        leave_world()
    if not math.isfinite(outcome.measures["bpb"]):
        raise fail("its weights give no score that is a number", where=artifact)
    return {"measures": outcome.measures, "facts": outcome.facts}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
