"""The entry of a frozen script: prepare the data, then run the row's nodes one after the other."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import brotli

from golf.data.adopt import adopt
from golf.errors import GolfError
from golf.files import read_json, write_json
from golf.freeze.parts.settings import NODES, RECIPE, SCORINGS
from golf.freeze.script import BROTLI
from golf.records import NodeSpec, RunPaths, write_spec
from golf.stages import evaluate, quantize, train, ttt
from golf.stages.context import Bench, Context, Outcome
from golf.stages.world import World, join_world, leave_world, set_numerics

USAGE = "usage: train_gpt.py FOLDER: of a prepared dataset, or of shards (or set DATA_PATH)"
STAGES = {
    "train": train.main,
    "quantize": quantize.main,
    "evaluate": evaluate.main,
    "ttt": ttt.main,
}


def main() -> int:
    """Return the exit code."""
    given = sys.argv[1:] or [os.environ.get("DATA_PATH", "")]
    if len(given) != 1 or not Path(given[0]).is_dir() or not given[0]:
        print(USAGE, file=sys.stderr)
        return 2
    if not bounded():
        print(f"brotli is too old: pip install 'brotli>={BROTLI}'", file=sys.stderr)
        return 2
    paths, nodes = RunPaths(Path.cwd()), [NodeSpec(**n) for n in NODES + SCORINGS]
    numerics = nodes[0].spec
    if int(os.environ.get("WORLD_SIZE", "1")) != numerics["numerics.world_size"]:
        number = numerics["numerics.world_size"]
        print(f"run it by: torchrun --standalone --nproc-per-node {number}", file=sys.stderr)
        return 2
    set_numerics(numerics)
    try:
        folder = paths.dataset(nodes[0].dataset)
        before = read_json(folder / "dataset.json")
        adopt(folder, Path(given[0]).resolve(), **RECIPE, splits=("train", "val"))
        if read_json(folder / "dataset.json") != before:
            paths.node("train", nodes[0].key).resume.unlink(missing_ok=True)
    except GolfError as error:
        print(error, file=sys.stderr)
        return 2
    world, bench = join_world(numerics["numerics.device"]), Bench()
    try:
        for node in nodes:
            run(node, paths, world, bench)
    finally:
        leave_world()
    return 0


def bounded() -> bool:
    """Say whether brotli unpacks no more than it is asked for."""
    try:
        brotli.Decompressor().process(b"", output_buffer_limit=1)
    except TypeError:
        return False
    return True


def run(node: NodeSpec, paths: RunPaths, world: World, bench: Bench) -> None:
    """Run one node and print what it measured."""
    files = paths.node(node.stage, node.key)
    write_spec(files, node)
    world.wait()
    context = Context(node, files.folder, world, bench)
    context.reset()
    outcome: Outcome = STAGES[node.stage](context)
    world.wait()
    if world.leads:
        source = node.weights[0] if node.weights else ""
        print(node.stage, source, *(f"{n}={v!r}" for n, v in outcome.measures.items()))
        write_json(files.folder / "measures.json", outcome.measures)
