"""The command of this room: a door only, read by ``golf.cli``."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from golf.plan.flags import MatrixFile, Overrides, Profile, options_from


def submit(
    matrix: MatrixFile,
    row: Annotated[str, typer.Option(help="The finished row to submit.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder; records/TRACK/DATE_NAME else."),
    ] = None,
    author: Annotated[str, typer.Option(help="Who submits.")] = "",
    github_id: Annotated[str, typer.Option(help="Their name on GitHub.")] = "",
    name: Annotated[str, typer.Option(help="Of the submission; the row's else.")] = "",
    seed: Annotated[int | None, typer.Option(help="Of the script; the first else.")] = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="BPB[,STD/N]", help="A published score to beat, in place of the baseline."
        ),
    ] = "",
    run: Annotated[
        bool, typer.Option("--run/--no-run", help="Run the script once in the folder.")
    ] = True,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
) -> None:
    """Write a row as a record folder of the challenge.

    README, submission.json, a log for each seed, and the frozen train_gpt.py, which is run once
    and compared with the record. What of the rules is met, not met or not checked is marked.
    Exit code 1 when the script does not give its numbers.

    Example: golf submit matrices/quickstart.yaml --row gate12 --author Ada --github-id ada
    """
    from golf.submit import command
    from golf.submit.entry import Signature

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signature = Signature(author, github_id, name)
    options = options_from(profile, overrides)
    wish = command.Wish(matrix, row, options, seed, output, signature, against, run)
    try:
        raise typer.Exit(command.submit(wish))
    except KeyboardInterrupt:
        typer.echo("stopped; nothing was written", err=True)
        raise typer.Exit(130) from None
