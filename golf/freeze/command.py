"""``golf freeze``: a row of a plan to its script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from golf.config.fitted import FIT, settled_spec
from golf.errors import fail
from golf.files import renamed_into_place
from golf.freeze.script import BLOCK, Scoring, beyond_block, freeze
from golf.plan.graph import Cell, Node, Plan
from golf.plan.row import Row
from golf.plan.show import cell_of
from golf.records import read_result, stands


def freeze_row(plan: Plan, row: Row, seed: int | None, output: Path) -> Iterator[str]:
    """Write the script and yield what to tell about it.

    Raises:
        GolfError: the row has no such seed, its bits are not chosen yet, or something else
            stands at ``output``.
    """
    cell = cell_of(plan, row, seed)
    script, beyond = script_of(plan, cell), beyond_block(scorings_of(cell))
    if output.is_dir():
        raise fail("a folder is in the way", "give --output a file", str(output))
    with renamed_into_place(output) as temporary:
        temporary.write_bytes(script)
    yield f"wrote {output}: {len(script):,} bytes, row {row.name}, seed {cell.seed}"
    if beyond:
        yield f"its scorings take {beyond:,} bytes more than the {BLOCK} that every script has for"
        yield "  them: the row's code_bytes and artifact_bytes do not count these"
    yield f"next: {run_line(cell, str(output))} {plan.paths.dataset(cell.train.dataset.key)}"


def script_of(plan: Plan, cell: Cell) -> bytes:
    """Return the script that trains, quantizes and scores one cell.

    Raises:
        GolfError: its bits are to be chosen, and are not chosen yet.
    """
    return freeze(cell.train.spec, _settled(plan, cell.quantize), scorings_of(cell))


def scorings_of(cell: Cell) -> list[Scoring]:
    """Return what scores a cell's artifact."""
    found: list[Scoring] = [("evaluate", name, n.spec) for name, n in cell.post.items()]
    return [*found, ("ttt", "ttt", cell.ttt.spec)] if cell.ttt else found


def run_line(cell: Cell, script: str) -> str:
    """Return the line that runs a cell's script; its folder of data is to follow."""
    processes = cell.train.spec["numerics.world_size"]
    torchrun = f"torchrun --standalone --nproc-per-node {processes}"
    return f"{'python' if processes == 1 else torchrun} {script}"


def _settled(plan: Plan, node: Node) -> Mapping[str, Any]:
    """Return a quantization's settings; of one that fits a cap, those that it chose."""
    if FIT not in node.spec:
        return node.spec
    paths = plan.node_paths(node)
    found = read_result(paths) if stands(plan.paths, *node.id) else None
    if found is None:
        what = "its bits and clips are chosen when it is quantized, and it has not been"
        raise fail(what, f"golf run {plan.rows.matrix.path}", str(paths.folder))
    return settled_spec(node.spec, found.facts)
