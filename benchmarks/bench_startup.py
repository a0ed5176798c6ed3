"""How long does golf itself take: help, a plan, a finished matrix run again?

Each command is timed cold and interleaved with a bare Python, in a project where the quickstart
matrix has been run. Medians of several rounds, as multiples of the bare start too.

Run: python benchmarks/bench_startup.py
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 9
MATRIX = str(Path(__file__).parents[1] / "matrices" / "quickstart.yaml")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "golf --help": [sys.executable, "-m", "golf", "--help"],
    "golf plan quickstart": [sys.executable, "-m", "golf", "plan", MATRIX],
    "golf run quickstart, finished": [sys.executable, "-m", "golf", "run", MATRIX],
}


def seconds(line: list[str]) -> float:
    """Return the wall time of a command."""
    start = time.perf_counter()
    subprocess.run(line, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    planned = subprocess.run(COMMANDS["golf plan quickstart"], capture_output=True, text=True)
    if " 0 nodes to run" not in planned.stdout:
        sys.exit("run the quickstart matrix first: golf run matrices/quickstart.yaml")
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, line in COMMANDS.items():
            times[name].append(seconds(line))
    bare = statistics.median(times["python -c pass"])
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"Python {platform.python_version()}, median of {ROUNDS}, {load}\n")
    print("| command | ms | x bare Python |\n|:--|--:|--:|")
    for name, taken in times.items():
        median = statistics.median(taken)
        print(f"| {name} | {1000 * median:.0f} | {median / bare:.1f} |")


if __name__ == "__main__":
    main()
