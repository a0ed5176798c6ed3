"""Read specs, run stages in order, write results; turn a crash into ``failed.json``."""

from __future__ import annotations

import math
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
    FAILED_LINE,
    NodeId,
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
from golf.stages.sources import LostSourceError, checked_inputs, mend_specs
from golf.stages.world import World, join_world, leave_world, set_numerics

STAGES: dict[str, Callable[[Context], Outcome]] = {
    "train": train.main,
    "quantize": fit.main,
    "evaluate": evaluate.main,
    "ttt": ttt.main,
}
SHARED = (FloatingPointError, LostSourceError)  # failures that all processes meet at once


def main(folders: list[str]) -> int:
    """Work through node folders in the order given; return the exit code."""
    if not folders:
        print("usage: python -m golf.stages NODE_DIR...", file=sys.stderr)
        return 2
    try:
        nodes = [(Path(f).absolute(), read_spec(Path(f))) for f in folders]
        for folder, node in nodes:
            mend_specs(folder, node)
        numerics = _numerics(nodes)
    except GolfError as error:
        print(error, file=sys.stderr)
        return 2
    set_numerics(numerics)
    world = join_world(numerics["numerics.device"])
    try:
        return 0 if work_through(nodes, world) else 1
    finally:
        leave_world()


def work_through(nodes: list[tuple[Path, NodeSpec]], world: World) -> bool:
    """Run what is due; say whether all of it succeeded.

    A node that fails takes down those that read it; the others go on with fresh models. With
    several processes they do so only where all are sure to have met the failure.
    """
    lost, bench = set[NodeId](), Bench()
    for i, (folder, node) in enumerate(nodes):
        context = Context(node, folder, world, bench)
        name, sources = (node.stage, node.key), {(n.stage, n.key): n.source for _, n in nodes[i:]}
        due = name in unfinished(context.paths, sources, bool(node.runtime.get("audit")))
        world.wait()
        if due and node.source in lost:
            lost.add(name)
        elif due:
            try:
                run_node(context)
            except Exception as error:
                if world.leads:
                    print(f"{FAILED_LINE}{folder}: {_told(error)}", file=sys.stderr, flush=True)
                if not isinstance(error, SHARED):
                    if world.size > 1:
                        raise
                    traceback.print_exc()
                lost.add(name)
                bench = Bench()
    return not lost


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
    """Run a node's stage. A result of before would vouch for what this writes: it goes first.

    Raises:
        FloatingPointError: a measure is not finite, on all processes alike.
    """
    if context.world.leads:
        sweep(context.folder)
        context.files.result.unlink(missing_ok=True)
    outcome = STAGES[context.node.stage](context)
    for name, value in outcome.measures.items():
        if not math.isfinite(value):
            raise FloatingPointError(f"{name} is {value}: the weights diverged; lower the rates?")
    return outcome


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
