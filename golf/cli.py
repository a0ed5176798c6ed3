"""The command line: doors only. Each command reads its arguments and calls one room."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import golf
from golf.config.describe import factor_details, factor_lines, factors_markdown
from golf.config.names import find_knob
from golf.config.template import TEMPLATE
from golf.errors import GolfError, fail
from golf.files import write_text
from golf.plan import doors
from golf.plan.ledger import Options, known_runs, plan_as_run, plan_file
from golf.plan.show import find_row, plan_json, plan_lines, row_lines
from golf.records import enclosing_project

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

MatrixFile = Annotated[Path, typer.Argument(metavar="MATRIX", help="Matrix file (YAML).")]
Profile = Annotated[
    str, typer.Option(help="Scale the matrix down: cpu, or smoke for a few steps of every row.")
]
Overrides = Annotated[
    list[str], typer.Option("--set", metavar="NAME=VALUE", help="Set a factor in every row.")
]
Device = Annotated[str, typer.Option(help="cpu or cuda; the matrix or the machine decides else.")]
Processes = Annotated[int, typer.Option("--nproc", help="Processes of one job.", min=0)]
Jobs = Annotated[int, typer.Option(help="Jobs at a time; 0 for as many as fit.", min=0)]


def _options(
    profile: str, overrides: list[str], device: str = "", processes: int = 0, jobs: int = 0
) -> Options:
    from golf.config.profiles import PROFILES  # noqa: PLC0415 (only where a profile may be named)

    if profile and profile not in PROFILES:
        raise fail(f"no profile {profile!r}", f"there are {', '.join(PROFILES)}")
    if device not in ("", "cpu", "cuda"):
        raise fail(f"no device {device!r}", "cpu or cuda")
    given = {"device": device, "nproc_per_node": processes, "jobs": jobs}
    return Options(profile, tuple(overrides), tuple((k, v) for k, v in given.items() if v))


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
def run(
    matrix: MatrixFile,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the torchrun lines; start none.")
    ] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
    device: Device = "",
    processes: Processes = 0,
    jobs: Jobs = 0,
) -> None:
    """Train, quantize, evaluate and adapt every row of MATRIX.

    Work that an earlier run finished is reused; Ctrl-C leaves a state to continue from.

    Example: golf run matrices/quickstart.yaml --dry-run
    """
    options = _options(profile, overrides, device, processes, jobs)
    plan = plan_file(matrix, options)
    if dry_run:
        from golf.launch.schedule import dry_run as list_commands  # noqa: PLC0415 (start-up)

        for command in list_commands(plan):
            typer.echo(command)
        return
    from golf.launch.session import run_and_tell  # noqa: PLC0415 (rich is slow to import)

    raise typer.Exit(run_and_tell(plan, options))


@app.command()
def plan(
    matrix: MatrixFile,
    params: Annotated[
        bool, typer.Option("--params", help="Count each row's parameters (builds the models once).")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, parameters included.")
    ] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
    device: Device = "",
    processes: Processes = 0,
) -> None:
    """Print rows, nodes to run and nodes to reuse; start nothing.

    Example: golf plan matrices/quickstart.yaml --params
    """
    planned = plan_file(matrix, _options(profile, overrides, device, processes))
    models: Any = None
    if params or as_json:
        from golf.launch.inspect import model_counts  # noqa: PLC0415 (start-up)

        models = model_counts(planned)
    if as_json:
        typer.echo(json.dumps(plan_json(planned, models), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(plan_lines(planned, models)))


@app.command()
def report(
    matrix: Annotated[
        Path | None, typer.Argument(metavar="[MATRIX]", help="Matrix file; all that were run else.")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", help="md (also written to reports/), csv, json.")
    ] = "md",
    strict: Annotated[bool, typer.Option(help="Exit 1 when cells are missing.")] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
) -> None:
    """Render the ablation table of MATRIX, or of all that were run.

    Cells that are not done yet show a dash.

    Example: golf report matrices/quickstart.yaml
    """
    from golf.report.command import FORMATS, report_one  # noqa: PLC0415 (pandas is slow to import)

    if form not in FORMATS:
        raise fail(f"no format {form!r}", f"there are {', '.join(FORMATS)}")
    options = _options(profile, overrides)
    wanted = (
        [(matrix, options)]
        if matrix
        else list(known_runs(enclosing_project(Path.cwd()) or Path.cwd()))
    )
    missing = sum(report_one(path, chosen, form) for path, chosen in wanted)
    raise typer.Exit(1 if strict and missing else 0)


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
    planned, _ = plan_as_run(matrix, _options(profile, overrides))
    typer.echo("\n".join(row_lines(planned, find_row(planned, row))))


@app.command()
def factors(
    name: Annotated[str, typer.Argument(help="A factor, for all there is to say about it.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/factors.md.")] = False,
) -> None:
    """List everything that a matrix can vary.

    Example: golf factors gate_width
    """
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
    if path.exists():
        raise fail("there is already a file here", "choose another name", str(path))
    write_text(path, TEMPLATE.format(name=path.stem, path=path))
    typer.echo(f"wrote {path}\nnext: golf plan {path}")


app.command()(doors.schema)


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
