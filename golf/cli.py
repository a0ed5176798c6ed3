"""The command line: a table of doors. Each command reads its arguments and calls one room.

A door is loaded when its command is named, and imports its room when it is opened; what all of
them are for is told before anything is loaded.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from types import CodeType
from typing import Any

DOORS = {
    "run": "golf.launch.doors:run",
    "plan": "golf.launch.doors:plan",
    "show": "golf.launch.row_doors:show",
    "factors": "golf.config.doors:factors",
    "init": "golf.config.doors:init",
    "report": "golf.report.doors:report",
    "compare": "golf.report.doors:compare",
    "import": "golf.report.doors:import_logs",
    "schema": "golf.plan.doors:schema",
    "diff": "golf.plan.doors:diff",
    "fit": "golf.launch.row_doors:fit",
    "freeze": "golf.launch.artifact_doors:freeze",
    "verify": "golf.launch.artifact_doors:verify",
    "submit": "golf.submit.doors:submit",
}
OVERVIEW = """\
Usage: golf [OPTIONS] COMMAND [ARGS]...

  Ablation tables for small language models, from one YAML file.

  golf run trains, quantizes, evaluates and adapts every row of a matrix once;
  golf report renders the table.

  Example:
    golf run matrices/quickstart.yaml && golf report matrices/quickstart.yaml

Options:
  --version             Print the version.
  --install-completion  Complete golf's commands in the shell in use.
  --show-completion     Print what that would install.
  -h, --help            Show this; after a command, what it takes.

Commands:
{commands}
"""


def door(name: str) -> Any:
    """Return the function of a command."""
    module, _, function = DOORS[name].partition(":")
    return getattr(import_module(module), function)


def overview() -> str:
    """Return the help of golf as a whole."""
    return OVERVIEW.format(commands="\n".join(f"  {n:8} {_sentence(n)}" for n in DOORS)).rstrip()


def _sentence(name: str) -> str:
    """Return the first sentence of a command's function, whose module is read but not run."""
    module, _, function = DOORS[name].partition(":")
    spec: Any = find_spec(module)
    consts = spec.loader.get_code(module).co_consts
    made = next(c for c in consts if isinstance(c, CodeType) and c.co_name == function)
    return str(made.co_consts[0]).partition("\n")[0]


def main() -> None:
    """Run the command line; a user's mistake is one clear message and exit code 2."""
    try:
        if sys.argv[1:] in (["--help"], ["-h"]):
            print(overview(), flush=True)
        else:
            _run_command()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor at the exit
        sys.exit(1)
    except OSError as error:
        print(f"{error.filename or 'golf'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)


def _run_command() -> None:
    from golf.commands import command_line
    from golf.errors import GolfError

    # What a command makes, it holds to its end; only a run lasts long enough to leave garbage.
    if sys.argv[1:2] == ["run"]:
        gc.set_threshold(200_000, 50, 50)
    else:
        gc.disable()
        atexit.register(gc.freeze)  # else the interpreter would look for garbage after all
    try:
        command_line(DOORS, door, overview)()
    except GolfError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
