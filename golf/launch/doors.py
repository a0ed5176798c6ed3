"""The commands that do a matrix's work, or tell what it will take: doors only."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from golf.errors import fail
from golf.plan.flags import Device, Jobs, MatrixFile, Overrides, Processes, Profile, options_from

if TYPE_CHECKING:
    from golf.plan.graph import Plan
    from golf.plan.ledger import Options
    from golf.plan.show import PlanView

PRICE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:/(h|m|s))?$")
PER_HOUR = {"h": 1.0, "m": 60.0, "s": 3600.0}

Params = Annotated[
    bool, typer.Option("--params", help="Count parameters and operations, predict time and bytes.")
]
Price = Annotated[
    str, typer.Option(metavar="MONEY/h", help="Price of the whole machine, such as 20/h.")
]
Calibrate = Annotated[
    bool, typer.Option("--calibrate", help="Run a short training first, to predict from.")
]
OnlyRows = Annotated[
    list[str], typer.Option("--only", metavar="ROW", help="This row (repeatable).")
]
MaxHours = Annotated[
    float | None, typer.Option(help="Rows that fit, the most important first.", min=0)
]
Power = Annotated[
    float | None, typer.Option(help="Seeds that would resolve so many bits per byte.")
]


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

        _tell_lack(plan)
        for command in list_commands(plan):
            typer.echo(command)
        return
    from golf.launch.session import run_and_tell

    raise typer.Exit(run_and_tell(plan, options))


def plan(
    matrix: MatrixFile,
    params: Params = False,
    price: Price = "",
    calibrate: Calibrate = False,
    rows: OnlyRows = [],  # noqa: B006 (typer copies defaults)
    priority: Annotated[str, typer.Option(help="Rows of this priority.")] = "",
    max_hours: MaxHours = None,
    power: Power = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
    device: Device = "",
    processes: Processes = 0,
) -> None:
    """Print rows, nodes to run and to reuse, and what they will take.

    Times and prices leave the start-up of processes out.

    Example: golf plan matrices/quickstart.yaml --price 20/h
    """
    from golf.plan.ledger import plan_file

    options = options_from(profile, overrides, device, processes)
    per_hour = _price(price) if price else None
    planned = plan_file(matrix, options)
    if power is not None:
        _tell_power(planned, power)
        return
    if calibrate:
        _calibrate(planned, options)
    counted = params or calibrate or as_json or per_hour is not None or max_hours is not None
    if counted:
        _tell_lack(planned)
    view = _chosen(planned, rows, priority, max_hours, per_hour, counted)
    _tell(view, as_json)


def _chosen(
    planned: Plan,
    rows: list[str],
    priority: str,
    max_hours: float | None,
    price: float | None,
    counted: bool,
) -> PlanView:
    """Return the rows that were asked for, with what they take where that is wanted."""
    from golf.plan.choose import only, with_priority, within_hours
    from golf.plan.show import PlanView

    planned = only(planned, rows) if rows else planned
    planned = with_priority(planned, priority.lower()) if priority else planned
    view = _costed(planned, price) if counted else PlanView(planned)
    if max_hours is None or not view.cost:
        return view
    fitting = within_hours(planned, view.cost, max_hours)
    if not fitting:
        where = str(planned.rows.matrix.path)
        raise fail(f"not even the baseline fits into {max_hours:g} hours", where=where)
    return _costed(only(planned, fitting), price)


def _tell(view: PlanView, as_json: bool) -> None:
    from golf.plan.show import plan_json, plan_lines

    if as_json:
        typer.echo(json.dumps(plan_json(view), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(plan_lines(view)))


def _tell_lack(planned: Plan) -> None:
    """Say on stderr that what is told of cannot run on this machine."""
    from golf.launch.command import lack_of_gpus

    lack = lack_of_gpus(planned)
    if lack:
        typer.echo(f"warning: {lack.where}: {lack.what}, so golf run cannot start here", err=True)


def _price(text: str) -> float:
    found = PRICE.match(text)
    if not found:
        raise fail(f"--price {text!r} is no price", "money for an hour of the machine, as in 20/h")
    return float(found[1]) * PER_HOUR[found[2] or "h"]


def _costed(planned: Plan, price: float | None) -> PlanView:
    """Add what the workshop counts and what finished nodes foretell."""
    from golf.launch.command import asked_slots
    from golf.launch.inspect import models_and_script
    from golf.launch.sizes import sizes
    from golf.plan.predict import estimate
    from golf.plan.show import PlanView
    from golf.plan.work import pending

    models, script = models_and_script(planned)
    cost = estimate(planned, pending(planned), models, len(asked_slots(planned)))
    return PlanView(planned, models, cost, price, sizes(planned, models, script))


def _tell_power(planned: Plan, difference: float) -> None:
    from golf.plan.power import power_lines

    if difference <= 0:
        raise fail("--power takes a difference above 0", "bits per byte, such as 0.001")
    typer.echo("\n".join(power_lines(planned, difference)))


def _calibrate(planned: Plan, options: Options) -> None:
    """Run the baseline for a few steps through all stages; its nodes stay, to predict from."""
    from golf.launch.session import calibrate as run_short
    from golf.plan.choose import only
    from golf.plan.ledger import plan_file

    path = planned.rows.matrix.path
    short = plan_file(path, replace(options, overrides=(*options.overrides, "steps=20")))
    base = short.rows.rows[0]
    first = only(short, [base.name])
    run_short(replace(first, cells=tuple(c for c in first.cells if c.seed == base.seeds[0])))
