"""The command line: a table of doors. Each command reads its arguments and calls one room.

A door is loaded when its command is named, and imports its room when it is opened, so that help is
there at once.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import golf
from golf.errors import GolfError

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
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class Doors(TyperGroup):
    """The commands of the table, each built from its function when it is named."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: dict[str, Any] = dict.fromkeys(DOORS)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in DOORS:
            return None
        alone = typer.Typer(add_completion=False, **PLAIN)
        alone.command(cmd_name)(_door(cmd_name))
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the first sentence of each command; its options need not be read for that."""
        with formatter.section("Commands"):
            formatter.write_dl([(n, str(_door(n).__doc__).partition("\n")[0]) for n in DOORS])


def _door(name: str) -> Any:
    """Return the function of a command."""
    module, _, function = DOORS[name].partition(":")
    return getattr(import_module(module), function)


app = typer.Typer(
    cls=Doors,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    **PLAIN,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"golf {golf.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Ablation tables for small language models, from one YAML file.

    golf run trains, quantizes, evaluates and adapts every row of a matrix once; golf report
    renders the table.

    Example: golf run matrices/quickstart.yaml && golf report matrices/quickstart.yaml
    """


def main() -> None:
    """Run the command line; a user's mistake is one clear message and exit code 2."""
    gc.set_threshold(200_000, 50, 50)  # what a command makes, it holds to its end
    try:
        app()
    except GolfError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        print(f"{error.filename or 'golf'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)
