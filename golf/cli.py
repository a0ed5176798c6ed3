"""The command line: doors only. Each command reads its arguments and calls one room.

A door imports its room when it is opened, so that help is there at once.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import golf
from golf.errors import GolfError, fail
from golf.launch import artifact_doors
from golf.launch import doors as launch_doors
from golf.plan import doors as plan_doors
from golf.plan.flags import Device, Jobs, MatrixFile, Overrides, Processes, Profile, options_from
from golf.report import doors as report_doors
from golf.submit import doors as submit_doors

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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


@app.command()
def run(  # noqa: PLR0913 (an argument per option)
    matrix: MatrixFile,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the torchrun lines; start none.")
    ] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
    device: Device = "",
    processes: Processes = 0,
    jobs: Jobs = 0,
    audit: Annotated[
        bool, typer.Option("--audit", help="Check samples of every score for legality.")
    ] = False,
) -> None:
    """Train, quantize, evaluate and adapt every row of MATRIX.

    Work that an earlier run finished is reused; Ctrl-C leaves a state to continue from.

    Example: golf run matrices/quickstart.yaml --dry-run
    """
    from golf.plan.ledger import plan_file

    options = options_from(profile, overrides, device, processes, jobs, audit)
    plan = plan_file(matrix, options)
    if dry_run:
        from golf.launch.schedule import dry_run as list_commands

        for command in list_commands(plan):
            typer.echo(command)
        return
    from golf.launch.session import run_and_tell

    raise typer.Exit(run_and_tell(plan, options))


app.command()(launch_doors.plan)


@app.command()
def show(
    matrix: MatrixFile,
    row: Annotated[str, typer.Argument(help="Row to show (default: the baseline).")] = "",
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
) -> None:
    """Print a row's settings, where each was set, and its folders.

    Example: golf show matrices/quickstart.yaml baseline
    """
    from golf.plan.ledger import plan_as_run
    from golf.plan.show import find_row, row_lines

    planned, _ = plan_as_run(matrix, options_from(profile, overrides))
    typer.echo("\n".join(row_lines(planned, find_row(planned, row))))


@app.command()
def factors(
    name: Annotated[str, typer.Argument(help="A factor, for all there is to say about it.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/factors.md.")] = False,
) -> None:
    """List everything that a matrix can vary.

    Example: golf factors gate_width
    """
    from golf.config.describe import factor_details, factor_lines, factors_markdown
    from golf.config.names import find_knob

    if markdown:
        typer.echo(factors_markdown(), nl=False)
    elif name:
        typer.echo(factor_details(find_knob(name)))
    else:
        typer.echo("\n".join(factor_lines()))


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path(
        "matrices/my-ablation.yaml"
    ),
) -> None:
    """Write a commented matrix to start from.

    An existing file is never overwritten.

    Example: golf init matrices/gates.yaml
    """
    from golf.config.template import TEMPLATE
    from golf.files import write_text

    if path.exists():
        raise fail("there is already a file here", "choose another name", str(path))
    write_text(path, TEMPLATE.format(name=path.stem, path=path))
    typer.echo(f"wrote {path}\nnext: golf plan {path}")


app.command()(report_doors.report)
app.command()(report_doors.compare)
app.command("import")(report_doors.import_logs)
app.command()(plan_doors.schema)
app.command()(plan_doors.diff)
app.command()(artifact_doors.freeze)
app.command()(artifact_doors.verify)
app.command()(submit_doors.submit)


def main() -> None:
    """Run the command line; a user's mistake is one clear message and exit code 2."""
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
