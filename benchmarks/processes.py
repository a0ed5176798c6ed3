"""Whole commands timed: wall time, and processor time, which other work moves less."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ENV = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Modules that a first round compiles stay compiled, as an installed tool's are."""


class Taken(NamedTuple):
    """Seconds of one command."""

    wall: float
    cpu: float


def timed(line: Sequence[str], folder: Path | None = None) -> Taken:
    """Run a command in a folder; return what it took."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(line, cwd=folder, env=ENV, check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(wall, spent)


def interleaved(
    lines: Mapping[str, Sequence[str]], rounds: int, folder: Path | None = None
) -> dict[str, list[Taken]]:
    """Time every command once in each of several rounds."""
    taken: dict[str, list[Taken]] = {name: [] for name in lines}
    for _ in range(rounds):
        for name, line in lines.items():
            taken[name].append(timed(line, folder))
    return taken


def table(taken: Mapping[str, Sequence[Taken]], first: str) -> str:
    """Return medians in milliseconds, also as what stands above those of the command ``first``."""
    bare = Taken(*map(statistics.median, zip(*taken[first], strict=True)))
    head = "| command | ms | above bare | x bare | CPU ms | above bare |"
    lines = [head, "|:--" + "|--:" * 5 + "|"]
    for name, runs in taken.items():
        if not runs:
            lines.append(f"| {name} | — | — | — | — | — |")
            continue
        wall, cpu = map(statistics.median, zip(*runs, strict=True))
        above = f"{1000 * (wall - bare.wall):,.0f} | {wall / bare.wall:.1f}"
        spent = f"{1000 * cpu:,.0f} | {1000 * (cpu - bare.cpu):,.0f}"
        lines.append(f"| {name} | {1000 * wall:,.0f} | {above} | {spent} |")
    return "\n".join(lines)


def load() -> str:
    """Return how busy the machine is, for a reader of times."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
