"""``python -m golf.stages.verify REQUEST ANSWER``: score an artifact from its bytes alone.

The request names an artifact, data and specs of evaluations; the process works in a folder of its
own, where nothing else lies. The model's shape and numerics are those that the artifact carries.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from golf.data.prepare import prepare
from golf.errors import GolfError, fail
from golf.files import read_json, write_json
from golf.quant.artifact import read_artifact
from golf.records import NodeSpec, RunPaths, write_spec
from golf.stages import evaluate
from golf.stages.context import Bench, Context
from golf.stages.world import join_world, leave_world, set_numerics

DATASET = "data"


def main(request: Path, answer: Path) -> int:
    """Write measures and facts of each evaluation; return the exit code."""
    asked = read_json(request)
    paths = RunPaths(request.resolve().parent)
    try:
        settings = read_artifact(Path(asked["artifact"])).settings
        numerics = _numerics(settings)
        adopt_dataset(paths.dataset(DATASET), Path(asked["data"]), settings)
        set_numerics(numerics)
        _write_specs(paths, settings | numerics, Path(asked["artifact"]))
        found = [_score(paths, spec, numerics) for spec in asked["evaluations"]]
    except GolfError as error:
        print(error, file=sys.stderr)
        return 2
    write_json(answer, found)
    return 0


def _numerics(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the artifact's numerics as far as this machine has them."""
    kept = {n: v for n, v in settings.items() if n.startswith("numerics.")}
    here: dict[str, Any] = {"numerics.compile": False, "numerics.world_size": 1}
    if kept.get("numerics.device") == "cuda" and not torch.cuda.is_available():
        here |= {"numerics.device": "cpu", "numerics.attention": "tiles"}
    return kept | here


def _write_specs(paths: RunPaths, training: dict[str, Any], artifact: Path) -> None:
    """Lay out a project in which the artifact is the only thing that was ever made."""
    for stage, spec, weights in (
        ("train", training, None),
        ("quantize", {}, ["train", "train"]),
    ):
        files = paths.node(stage, stage)
        write_spec(files, NodeSpec(stage, stage, 0, spec, DATASET, weights, {}))
    paths.node("quantize", "quantize").artifact.symlink_to(artifact)


def adopt_dataset(folder: Path, given: Path, settings: dict[str, Any]) -> None:
    """Read a prepared dataset where it lies; prepare published shards.

    Raises:
        GolfError: neither is there.
    """
    prepared = read_json(given / "dataset.json")
    if prepared is None:
        vocab_size = settings["data.vocab_size"]
        shards = sorted(given.glob("*_val_*.bin"))
        if not shards:
            what = "no dataset.json and no *_val_*.bin shards here"
            raise fail(what, "give runs/data/KEY, or the folder of published shards", str(given))
        model = given.parent.parent / "tokenizers" / f"fineweb_{vocab_size}_bpe.model"
        recipe = {
            "folder": str(given), "vocab_size": vocab_size, "tokenizer": str(model),
            "seq_len": settings["train.seq_len"],
        }  # fmt: skip
        write_json(folder / "recipe.json", recipe)
        prepare(folder)
        return
    for kind in ("train", "val", "val_bytes"):
        prepared[kind] = [str(given / name) for name in prepared[kind]]
    write_json(folder / "dataset.json", prepared)


def _score(paths: RunPaths, spec: dict[str, Any], numerics: dict[str, Any]) -> dict[str, Any]:
    node = NodeSpec("evaluate", "evaluate", 0, spec, DATASET, ["quantize", "quantize"], {})
    files = paths.node("evaluate", "evaluate")
    write_spec(files, node)
    world = join_world(numerics["numerics.device"])
    try:
        context = Context(node, files.folder, world, Bench())
        outcome = evaluate.main(context)
    finally:
        leave_world()
    return {"measures": outcome.measures, "facts": outcome.facts}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
