"""Commands about matrix files that run nothing; a door imports its room when it is opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from golf.errors import fail
from golf.plan.flags import MatrixFile, Overrides, Profile, options_from


def schema() -> None:
    """Print the JSON Schema of the matrix file, for editors.

    With the YAML extension of an editor, the first line of a matrix may then read
    `# yaml-language-server: $schema=matrix.schema.json`.

    Example: golf schema > matrix.schema.json
    """
    from golf.config.json_schema import matrix_schema

    typer.echo(json.dumps(matrix_schema(), indent=1))


def diff(
    matrix: MatrixFile,
    other: Annotated[Path | None, typer.Argument(metavar="[OTHER]", help="Matrix file.")] = None,
    rows: Annotated[
        list[str], typer.Option("--row", metavar="ROW", help="Two rows; with OTHER, one of each.")
    ] = [],  # noqa: B006 (typer copies defaults)
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
) -> None:
    """Print in which factors two matrices or two rows differ.

    A factor that nothing reads in a row shows as a dash; the stages that change are named.

    Example: golf diff matrices/quickstart.yaml --row baseline --row int4
    """
    from golf.plan.diff import difference_lines, plan_difference_lines
    from golf.plan.ledger import plan_file
    from golf.plan.show import find_row

    options = options_from(profile, overrides)
    a = plan_file(matrix, options)
    b = plan_file(other, options) if other else a
    if not rows and other:
        typer.echo("\n".join(plan_difference_lines(a, b)))
    elif len(rows) == 2 or (len(rows) == 1 and other):
        pair = find_row(a, rows[0]), find_row(b, rows[-1])
        typer.echo("\n".join([f"{pair[0].name} | {pair[1].name}", *difference_lines(*pair)]))
    else:
        raise fail("name two matrices, or two rows", "golf diff A.yaml --row X --row Y")
