"""How a matrix was last run: noted by ``golf run``, so that a report finds the same nodes.

Launch settings and machine enter the keys of trainings. A report that is made on another
machine, or without the flags of the run, takes them from here.
"""

from __future__ import annotations

import dataclasses
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from golf.config.load import RELATIVE, parse_override, read_matrix
from golf.config.machine import Machine, this_machine
from golf.config.matrix import Matrix
from golf.errors import fail
from golf.files import content_key, is_regular, read_json, write_json
from golf.frozen import Frozen
from golf.plan.assemble import Setup, assemble
from golf.plan.graph import Plan
from golf.records import RunPaths, find_root


class Options(Frozen):
    """What the command line adds to a matrix file.

    Attributes:
        overrides: ``NAME=VALUE`` texts of ``--set``, in order.
        launch: launch settings that replace the file's, by name.
    """

    profile: str = ""
    overrides: tuple[str, ...] = ()
    launch: tuple[tuple[str, Any], ...] = ()

    def line(self, command: str, matrix: str, *words: str) -> str:
        """Return the line that gives a command these options again.

        Launch settings are said to ``run`` alone: other commands find how the matrix was run.
        What changes no number is left out.
        """
        flags = ["--profile", self.profile] if self.profile else []
        flags += [word for text in self.overrides for word in ("--set", text)]
        if command == "run":
            names = {"device": "--device", "nproc_per_node": "--nproc"}
            flags += [w for k, v in self.launch if k in names for w in (names[k], str(v))]
        return shlex.join(["golf", command, matrix, *words, *flags])

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
    return _plan(path, options, this_machine())


def plan_as_run(path: Path, options: Options) -> tuple[Plan, Options]:
    """Return the plan of a matrix file as it was last run, and the options of that run.

    The machine and the launch flags are those of the run; the file is as it is now.
    """
    matrix = read_matrix(path)
    noted = _read_ledger(RunPaths(find_root(path)).ledger(options.variant(matrix)))
    if noted is None or noted.options.variant(matrix) != options.variant(matrix):
        return plan_file(path, options), options
    options = dataclasses.replace(options, launch=noted.options.launch)
    return _plan(path, options, noted.machine, matrix=matrix), options


def _plan(
    path: Path,
    options: Options,
    machine: Machine,
    askers: tuple[Path, ...] = (),
    matrix: Matrix | None = None,
) -> Plan:
    """Plan a file; ``askers`` are the matrices that wait for its winner."""
    matrix = matrix or read_matrix(path)
    overrides = dict(parse_override(text) for text in options.overrides)
    launch = dataclasses.replace(matrix.launch, **dict(options.launch))
    root, variant = find_root(path), options.variant(matrix)
    setup = Setup(launch, machine, options.profile, overrides, root, variant)

    def ask(other: Path, where: str) -> Plan:
        asking = (*askers, path.resolve())
        if not is_regular(other):
            raise fail(f"there is no matrix {other}", RELATIVE, where)
        if other.resolve() in asking:
            what = f"{other} waits for this file in turn, so that neither ever has a winner"
            raise fail(what, where=where)
        return _plan(other, options, machine, asking)

    return assemble(matrix, setup, ask)


class Noted(Frozen):
    """What a ledger says; ``matrix`` is relative to the project."""

    matrix: str
    options: Options
    machine: Machine


def write_ledger(plan: Plan, options: Options) -> None:
    """Note how the matrix is run now.

    Raises:
        GolfError: another matrix file has the same name; their reports would overwrite each other.
    """
    root, mine = plan.paths.root, plan.rows.matrix.path.resolve()
    noted = _read_ledger(plan.paths.ledger(plan.variant))
    other = (root / noted.matrix).resolve() if noted else mine
    if other != mine and other.exists():
        what = f"{other} is called {plan.rows.matrix.name!r} too; their reports would mix"
        raise fail(what, "give one of them another `name:`", str(plan.rows.matrix.path))
    note = {
        "matrix": os.path.relpath(mine, root),
        "profile": options.profile,
        "overrides": list(options.overrides),
        "launch": dict(options.launch),
        "machine": dataclasses.asdict(plan.rows.machine),
        "waves": [outcome.record() for outcome in plan.outcomes],
    }
    if read_json(plan.paths.ledger(plan.variant)) != note:
        write_json(plan.paths.ledger(plan.variant), note)


def _read_ledger(path: Path) -> Noted | None:
    """Return a ledger, or None when there is none.

    Raises:
        GolfError: it is damaged.
    """
    found = read_json(path)
    if found is None:
        return None
    try:
        launch = tuple(found["launch"].items())
        options = Options(found["profile"], tuple(found["overrides"]), launch)
        return Noted(found["matrix"], options, Machine(**found["machine"]))
    except (TypeError, KeyError, AttributeError):
        hint = "delete it; `golf run` writes it again"
        raise fail("not a note of a run", hint, str(path)) from None


def known_runs(root: Path) -> Iterator[tuple[Path, Options]]:
    """Yield the matrix file and the options of every run noted under ``root``.

    Raises:
        GolfError: nothing was run here yet.
    """
    ledgers: Sequence[Path] = sorted(RunPaths(root).ledgers.glob("*.json"))
    if not ledgers:
        raise fail("no matrix was run here yet", "golf run matrices/quickstart.yaml", str(root))
    for noted in filter(None, map(_read_ledger, ledgers)):
        yield root / noted.matrix, noted.options
