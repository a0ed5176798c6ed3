"""The commands about factors and matrix files: doors only, read by ``golf.cli``."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer


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
    from golf.errors import fail
    from golf.files import write_text

    if path.exists():
        what = f"there is already a {'folder' if path.is_dir() else 'file'} here"
        raise fail(what, "choose another name", str(path))
    name = re.sub(r"[^\w.-]+", "-", path.stem).strip("-.") or "ablation"
    write_text(path, TEMPLATE.format(name=name, path=path))
    typer.echo(f"wrote {path}\nnext: {shlex.join(['golf', 'plan', str(path)])}")
