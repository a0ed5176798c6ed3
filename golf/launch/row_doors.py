"""The commands about one row: show it, fit it to a cap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from golf.errors import fail
from golf.plan.flags import Overrides, Profile, options_from


def show(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="MATRIX|RUN",
            help="Matrix file; with --tensors, also a folder runs/quantize/KEY.",
        ),
    ],
    row: Annotated[str, typer.Argument(help="Row to show (default: the baseline).")] = "",
    tensors: Annotated[
        bool, typer.Option("--tensors", help="What each tensor of the artifact takes and loses.")
    ] = False,
    hessians: Annotated[
        bool, typer.Option("--hessians", help="With --tensors: errors in their norm too (slow).")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="With --tensors; the first else.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --tensors: print JSON.")] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
) -> None:
    """Print a row's settings and its folders, or its artifact's tensors.

    Example: golf show matrices/quickstart.yaml int4 --tensors
    """
    from golf.launch.tensors import tensors_of, tensors_of_run
    from golf.plan.ledger import plan_as_run
    from golf.plan.show import cell_of, find_row, row_lines

    if not tensors and (hessians or as_json or seed is not None or target.is_dir()):
        raise fail("a folder, --hessians, --seed and --json go with --tensors", "add --tensors")
    if target.is_dir():
        _tell_tensors(tensors_of_run(target, hessians), as_json)
        return
    planned, _ = plan_as_run(target, options_from(profile, overrides))
    chosen = find_row(planned, row)
    if not tensors:
        typer.echo("\n".join(row_lines(planned, chosen)))
        return
    key, hint = cell_of(planned, chosen, seed).quantize.key, f"golf run {target}"
    _tell_tensors(tensors_of(planned.paths, key, hessians, hint), as_json)


def _tell_tensors(found: dict[str, Any], as_json: bool) -> None:
    from golf.launch.tensors import tensor_lines

    text = json.dumps(found, indent=1) if as_json else "\n".join(tensor_lines(found))
    typer.echo(text)


def fit(
    target: Annotated[
        Path, typer.Argument(metavar="MATRIX|RUN", help="Matrix file, or a folder runs/train/KEY.")
    ],
    row: Annotated[str, typer.Option(help="Row of the matrix (default: the baseline).")] = "",
    seed: Annotated[int | None, typer.Option(help="One of its seeds; the first else.")] = None,
    cap: Annotated[
        int | None,
        typer.Option(help="Bytes that model and code may take (default: the challenge's).", min=1),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
) -> None:
    """Choose bits and clips that bring a finished training under the cap.

    Nothing is trained again. The settings to paste are printed; `fit: BYTES` in a row does the
    same. Exit code 1 when not even the smallest fits.

    Example: golf fit matrices/quickstart.yaml --row int4 --cap 400000
    """
    from golf.launch.fit import fit_cell, fit_run, quantizing
    from golf.plan.fitted import fit_lines
    from golf.plan.ledger import plan_as_run
    from golf.plan.show import cell_of, find_row
    from golf.records import ARTIFACT_LIMIT

    others, wanted = quantizing([*overrides, f"fit={cap or ARTIFACT_LIMIT}"])
    if target.is_dir():
        if others or row or seed is not None or profile:
            raise fail(
                "a folder is one training; only its quantization can be set",
                "such as --set compressor=brotli",
            )
        found = fit_run(target, wanted)
    else:
        planned, _ = plan_as_run(target, options_from(profile, others))
        found = fit_cell(planned, cell_of(planned, find_row(planned, row), seed), wanted)
    if as_json:
        typer.echo(json.dumps({**found.measures, **found.facts["fit"]}, indent=2))
    else:
        typer.echo("\n".join(fit_lines(found)))
    raise typer.Exit(1 if found.facts["fit"]["over"] else 0)
