"""Flags that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from golf.errors import fail

if TYPE_CHECKING:
    from golf.plan.ledger import Options

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


def options_from(
    profile: str,
    overrides: list[str],
    device: str = "",
    processes: int = 0,
    jobs: int = 0,
    audit: bool = False,
) -> Options:
    """Return the options that these flags mean.

    Raises:
        GolfError: no such profile or device.
    """
    from golf.config.profiles import PROFILES
    from golf.plan.ledger import Options

    if profile and profile not in PROFILES:
        raise fail(f"no profile {profile!r}", f"there are {', '.join(PROFILES)}")
    if device not in ("", "cpu", "cuda"):
        raise fail(f"no device {device!r}", "cpu or cuda")
    given = {"device": device, "nproc_per_node": processes, "jobs": jobs, "audit": audit}
    return Options(profile, tuple(overrides), tuple((k, v) for k, v in given.items() if v))
