"""Read specs, run stages in order, write results; turn a crash into ``failed.json``."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from golf.errors import GolfError, fail
from golf.files import canonical_json, file_sha256, sweep, write_json
from golf.records import (
    NodeSpec,
    Result,
    measures_hash,
    read_result,
    read_spec,
    stands,
    unfinished,
    write_result,
)
from golf.stages import evaluate, fit, train, ttt
from golf.stages.auditor import AUDITED, audit_node
from golf.stages.context import Bench, Context, Outcome, numerics_of
from golf.stages.environment import describe_environment
from golf.stages.sources import checked_inputs, mend_specs
from golf.stages.world import World, join_world, leave_world, set_numerics

STAGES: dict[str, Callable[[Context], Outcome]] = {
    "train": train.main,
    "quantize": fit.main,
    "evaluate": evaluate.main,
    "ttt": ttt.main,
}


def main(folders: list[str]) -> int:
    """Work through node folders in the order given; return the exit code."""
    if not folders:
        print("usage: python -m golf.stages NODE_DIR...", file=sys.stderr)
        return 2
    try:
        nodes = [(Path(f).resolve(), read_spec(Path(f))) for f in folders]
        for folder, node in nodes:
            mend_specs(folder, node)
        numerics = _numerics(nodes)
    except GolfError as error:
        print(error, file=sys.stderr)
        return 2
    set_numerics(numerics)
    world, bench = join_world(numerics["numerics.device"]), Bench()
    try:
        for i, (folder, node) in enumerate(nodes):
            context = Context(node, folder, world, bench)
            sources = {(n.stage, n.key): n.source for _, n in nodes[i:]}
            audits = bool(node.runtime.get("audit"))
            due = (node.stage, node.key) in unfinished(context.paths, sources, audits)
            world.wait()
            if due:
                run_node(context)
    finally:
        leave_world()
    return 0


def _numerics(nodes: list[tuple[Path, NodeSpec]]) -> dict[str, Any]:
    """Return what the nodes' trainings agree on: device, processes, threads.

    Raises:
        GolfError: they do not agree, or this is another number of processes; the numbers would
            not be those that the keys promise.
    """
    here = World(0, 1, torch.device("cpu"))
    found = [numerics_of(Context(n, folder, here, Bench()).training) for folder, n in nodes]
    shared = ("numerics.device", "numerics.world_size", "numerics.threads")
    if len({canonical_json({k: f.get(k) for k in shared}) for f in found}) > 1:
        raise fail("these nodes want different devices, processes or threads", "run them apart")
    wanted, size = found[0]["numerics.world_size"], int(os.environ.get("WORLD_SIZE", "1"))
    if wanted != size:
        line = f"torchrun --standalone --nproc-per-node {wanted} -m golf.stages NODE_DIR..."
        raise fail(f"these nodes belong to {wanted} processes, this is {size}", line)
    return found[0]


def run_node(context: Context) -> None:
    """Run one node; everything that it found is in its folder afterwards.

    A node that stands and lacks nothing but an audit gets that alone.
    """
    context.reset()
    node = context.node
    audits = bool(node.runtime.get("audit")) and node.stage in AUDITED
    try:
        inputs, started = checked_inputs(context), time.perf_counter()
        standing = audits and stands(context.paths, node.stage, node.key)
        outcome = None if standing else _anew(context)
        wall_s = time.perf_counter() - started
        context.world.wait()
        if context.world.leads:
            audit = {"audit": audit_node(context)} if audits else {}
            if outcome is None:
                _add(context, audit)
            else:
                _finish(context, outcome, wall_s, inputs, audit)
    except Exception as error:
        if context.world.leads:
            failure = {"error": _told(error), "trace": traceback.format_exc()}
            write_json(context.files.failed, failure)
        raise
    context.world.wait()


def _anew(context: Context) -> Outcome:
    """Run a node's stage. A result of before would vouch for what this writes: it goes first."""
    if context.world.leads:
        sweep(context.folder)
        context.files.result.unlink(missing_ok=True)
    return STAGES[context.node.stage](context)


def _add(context: Context, facts: dict[str, Any]) -> None:
    """Add facts to the result of a node that stands."""
    found = read_result(context.files)
    assert found is not None, "the node stands"
    write_result(context.files, replace(found, facts={**found.facts, **facts}))


def _finish(
    context: Context,
    outcome: Outcome,
    wall_s: float,
    inputs: dict[str, str],
    audit: dict[str, Any],
) -> None:
    node = context.node
    measures = {**outcome.measures, "wall_s": wall_s}
    result = Result(
        stage=node.stage,
        key=node.key,
        measures=measures,
        spec=node.spec,
        inputs=inputs,
        output_sha256=file_sha256(outcome.output) if outcome.output else measures_hash(measures),
        recipe=node.recipe,
        environment=describe_environment(context.world),
        facts={**outcome.facts, **audit},
    )
    write_result(context.files, result)
    context.files.failed.unlink(missing_ok=True)
    context.files.progress.unlink(missing_ok=True)


def _told(error: Exception) -> str:
    """Return what went wrong; a mistake of the user's in one line."""
    if isinstance(error, GolfError):
        return "; ".join(line.strip() for line in str(error).splitlines())
    return f"{type(error).__name__}: {error}"
