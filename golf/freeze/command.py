"""``golf freeze``: a row of a plan to its script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from golf.errors import fail
from golf.files import renamed_into_place
from golf.freeze.script import freeze
from golf.plan.graph import Cell, Plan
from golf.plan.row import Row


def freeze_row(plan: Plan, row: Row, seed: int | None, output: Path) -> Iterator[str]:
    """Write the script and yield what to tell about it.

    Raises:
        GolfError: the row has no such seed, or something else stands at ``output``.
    """
    cell = cell_of(plan, row, seed)
    script = script_of(cell)
    if output.is_dir():
        raise fail("a folder is in the way", "give --output a file", str(output))
    with renamed_into_place(output) as temporary:
        temporary.write_bytes(script)
    yield f"wrote {output}: {len(script):,} bytes, row {row.name}, seed {cell.seed}"
    yield f"next: {run_line(cell, str(output))} {plan.paths.dataset(cell.train.dataset.key)}"


def cell_of(plan: Plan, row: Row, seed: int | None) -> Cell:
    """Return the cell of a row and a seed; of its first seed for None.

    Raises:
        GolfError: the row has no such seed.
    """
    cells = {c.seed: c for c in plan.cells_of(row)}
    if seed is not None and seed not in cells:
        listed = ", ".join(map(str, cells))
        raise fail(f"row {row.name!r} has no seed {seed}", f"there are {listed}")
    return cells[seed] if seed is not None else next(iter(cells.values()))


def script_of(cell: Cell) -> bytes:
    """Return the script that trains, quantizes and scores one cell."""
    scorings = [("evaluate", geometry, n.spec) for geometry, n in cell.post.items()]
    scorings += [("ttt", "ttt", cell.ttt.spec)] if cell.ttt else []
    return freeze(cell.train.spec, cell.quantize.spec, scorings)


def run_line(cell: Cell, script: str) -> str:
    """Return the line that runs a cell's script; its folder of data is to follow."""
    processes = cell.train.spec["numerics.world_size"]
    torchrun = f"torchrun --standalone --nproc-per-node {processes}"
    return f"{'python' if processes == 1 else torchrun} {script}"
