"""The commands as Typer sees them: each is built from its function when it is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import golf

PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


def command_line(
    names: Iterable[str], door_of: Callable[[str], Any], overview: Callable[[], str]
) -> typer.Typer:
    """Return the commands ``names``, each a call of what ``door_of`` gives for its name."""

    class Doors(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.commands: dict[str, Any] = dict.fromkeys(names)

        def list_commands(self, ctx: Any) -> list[str]:
            return list(self.commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            if cmd_name not in self.commands:
                return None
            alone = typer.Typer(add_completion=False, **PLAIN)
            alone.command(cmd_name)(door_of(cmd_name))
            return typer.main.get_command(alone)

        def get_help(self, ctx: Any) -> str:
            return overview()

    settings = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(cls=Doors, no_args_is_help=True, context_settings=settings, **PLAIN)
    app.callback()(_root)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"golf {golf.__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
