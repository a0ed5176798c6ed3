"""Commands about matrix files that run nothing."""

from __future__ import annotations

import json

import typer

from golf.config.json_schema import matrix_schema


def schema() -> None:
    """Print the JSON Schema of the matrix file, for editors.

    With the YAML extension of an editor, the first line of a matrix may then read
    `# yaml-language-server: $schema=matrix.schema.json`.

    Example: golf schema > matrix.schema.json
    """
    typer.echo(json.dumps(matrix_schema(), indent=1))
