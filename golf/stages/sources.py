"""What a node reads is what its source's result tells of; else the node does not run."""

from __future__ import annotations

from pathlib import Path

from golf.errors import GolfError, Problem
from golf.files import file_sha256
from golf.records import (
    NodeId,
    NodeSpec,
    RunPaths,
    read_result,
    read_spec,
    write_spec,
)
from golf.stages.context import Context


class LostSourceError(GolfError):
    """What a node reads is not there; every process of the job finds the same."""


def checked_inputs(context: Context) -> dict[str, str]:
    """Return the hash of the file that a node reads, by ``STAGE/KEY`` of its source.

    A file of another hash than its result tells of is removed: it counts as cleaned away then,
    and the next run makes it again.

    Raises:
        LostSourceError: the source is unfinished, or its file is not what it was.
    """
    source = context.node.source
    if source is None:
        return {}
    found, file = read_result(context.source), context.source.output(source[0])
    hint = "`golf run` makes it again"
    if found is None:
        what = "this is read by another node and not finished"
        raise LostSourceError(Problem(str(context.source.folder), what, hint))
    there = file.exists()
    sound = there and (not context.world.leads or file_sha256(file) == found.output_sha256)
    if context.world.most(float(not sound)):
        if context.world.leads:
            file.unlink(missing_ok=True)
        what = "not what its result tells of, and removed" if there else "cleaned away"
        raise LostSourceError(Problem(str(file), what, hint))
    return {"/".join(source): found.output_sha256}


def mend_specs(folder: Path, node: NodeSpec) -> None:
    """Write damaged specs of what a node descends from again: their results repeat them.

    Raises:
        GolfError: one is damaged and has no result.
    """
    paths = RunPaths(folder.parents[2])
    while node.source is not None:
        node = _mended(paths, node.source, node.dataset)


def _mended(paths: RunPaths, source: NodeId, dataset: str) -> NodeSpec:
    files = paths.node(*source)
    try:
        return read_spec(files.folder)
    except GolfError:
        found = read_result(files)
        if found is None:
            raise
    weights = next((name.split("/") for name in found.inputs), None)
    spec = NodeSpec(found.stage, found.key, found.recipe, found.spec, dataset, weights, {})
    write_spec(files, spec)
    return spec
