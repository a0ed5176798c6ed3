"""The commands about artifacts: freeze a row, verify a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from golf.plan.flags import MatrixFile, Overrides, Profile, options_from


def freeze(
    matrix: MatrixFile,
    row: Annotated[str, typer.Option(help="Row to freeze (default: the baseline).")] = "",
    seed: Annotated[int | None, typer.Option(help="One of its seeds; the first else.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path(
        "train_gpt.py"
    ),
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
) -> None:
    """Write one script that trains, quantizes and scores a row by itself.

    It needs torch, numpy, sentencepiece and brotli, and gives the row's numbers bit for bit on CPU.

    Example: golf freeze matrices/quickstart.yaml --row int4 && python train_gpt.py runs/data/KEY
    """
    from golf.freeze.command import freeze_row
    from golf.plan.ledger import plan_as_run
    from golf.plan.show import find_row

    planned, _ = plan_as_run(matrix, options_from(profile, overrides))
    chosen = find_row(planned, row)
    for line in freeze_row(planned, chosen, seed, output):
        typer.echo(line)


def verify(
    artifact: Annotated[Path, typer.Argument(metavar="ARTIFACT", help="An artifact.bin.")],
    data: Annotated[
        Path, typer.Option(help="A prepared dataset (runs/data/KEY) or a folder of shards.")
    ],
    expect: Annotated[float | None, typer.Option(help="The claimed bits per byte.")] = None,
    geometry: Annotated[str | None, typer.Option(help="chunked, sliding64, ...")] = None,
    tolerance: Annotated[float, typer.Option(help="Largest difference in bits per byte.")] = 1e-4,
) -> None:
    """Score an artifact from its bytes alone, and compare with the record.

    Without --expect or --geometry it is held against every evaluation on record of this very
    file. Exit code 0 when all are verified, 1 when not, 2 when the file cannot be read.

    Example: golf verify runs/quantize/KEY/artifact.bin --data runs/data/KEY
    """
    from golf.launch.verify import verify as score_again

    verdicts = score_again(artifact, data, expect, geometry)
    for verdict in verdicts:
        typer.echo(verdict.line(tolerance))
    raise typer.Exit(0 if all(v.holds(tolerance) for v in verdicts) else 1)
