"""How a matrix was last run: noted by ``golf run``, so that a report finds the same nodes.

Launch settings and machine enter the keys of trainings. A report that is made on another
machine, or without the flags of the run, takes them from here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golf.config.load import load_matrix, parse_override
from golf.config.machine import Launch, Machine, this_machine
from golf.config.matrix import Matrix
from golf.errors import fail
from golf.files import content_key, read_json, write_json
from golf.plan.expand import expand
from golf.plan.graph import Plan, plan_matrix
from golf.records import RunPaths, find_root


@dataclass(frozen=True)
class Options:
    """What the command line adds to a matrix file.

    Attributes:
        overrides: ``NAME=VALUE`` texts of ``--set``, in order.
        launch: launch settings that replace the file's, by name.
    """

    profile: str = ""
    overrides: tuple[str, ...] = ()
    launch: tuple[tuple[str, Any], ...] = ()

    def flags(self) -> list[str]:
        """Return the flags that say the same again; launch flags are in the ledger."""
        flags = ["--profile", self.profile] if self.profile else []
        return flags + [word for text in self.overrides for word in ("--set", text)]

    def variant(self, matrix: Matrix) -> str:
        """Return the name of reports and ledgers: runs with other settings do not mix."""
        parts = [matrix.name]
        parts += [self.profile] if self.profile and self.profile != matrix.profile else []
        parts += [content_key(list(self.overrides))[:6]] if self.overrides else []
        return ".".join(parts)


def plan_file(path: Path, options: Options) -> Plan:
    """Return the plan of a matrix file on this machine.

    Raises:
        GolfError: everything that is wrong with the file or the options.
    """
    matrix = load_matrix(path)
    launch = dataclasses.replace(matrix.launch, **dict(options.launch))
    return _plan(matrix, options, launch, this_machine())


def plan_as_run(path: Path, options: Options) -> Plan:
    """Return the plan of a matrix file as it was last run, on whatever machine that was."""
    matrix = load_matrix(path)
    noted = read_json(RunPaths(find_root(path)).ledger(options.variant(matrix)))
    if noted is None:
        return plan_file(path, options)
    return _plan(matrix, options, Launch(**noted["launch"]), Machine(**noted["machine"]))


def _plan(matrix: Matrix, options: Options, launch: Launch, machine: Machine) -> Plan:
    overrides = dict(parse_override(text) for text in options.overrides)
    rows = expand(matrix, launch, machine, options.profile, overrides)
    return plan_matrix(rows, find_root(matrix.path), options.variant(matrix))


def write_ledger(plan: Plan, options: Options) -> None:
    """Note how the matrix is run now."""
    rows = plan.rows
    write_json(
        plan.paths.ledger(plan.variant),
        {
            "matrix": str(rows.matrix.path.resolve()),
            "profile": options.profile,
            "overrides": list(options.overrides),
            "launch": dataclasses.asdict(rows.launch),
            "machine": dataclasses.asdict(rows.machine),
        },
    )


def known_runs(root: Path) -> Iterator[tuple[Path, Options]]:
    """Yield the matrix file and the options of every run that left a ledger under ``root``.

    Raises:
        GolfError: nothing was run here yet.
    """
    ledgers: Sequence[Path] = sorted(RunPaths(root).ledgers.glob("*.json"))
    if not ledgers:
        raise fail("no matrix was run here yet", "golf run matrices/quickstart.yaml", str(root))
    for path in ledgers:
        noted = read_json(path)
        yield Path(noted["matrix"]), Options(noted["profile"], tuple(noted["overrides"]))
