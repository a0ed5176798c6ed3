"""How long does golf itself take: help, a plan, a finished matrix run again?

Each command is timed cold and interleaved with a bare Python, in a project where the quickstart
matrix has been run. Medians of several rounds, wall and processor time.

Run: python benchmarks/bench_startup.py
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

from processes import interleaved, load, table

ROUNDS = 9
MATRIX = str(Path(__file__).parents[1] / "matrices" / "quickstart.yaml")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "golf --help": [sys.executable, "-m", "golf", "--help"],
    "golf plan quickstart": [sys.executable, "-m", "golf", "plan", MATRIX],
    "golf run quickstart, finished": [sys.executable, "-m", "golf", "run", MATRIX],
}


def main() -> None:
    """Print the table."""
    planned = subprocess.run(COMMANDS["golf plan quickstart"], capture_output=True, text=True)
    if " 0 nodes to run" not in planned.stdout:
        sys.exit("run the quickstart matrix first: golf run matrices/quickstart.yaml")
    taken = interleaved(COMMANDS, ROUNDS)
    print(f"Python {platform.python_version()}, median of {ROUNDS}, {load()}\n")
    print(table(taken, "python -c pass"))


if __name__ == "__main__":
    main()
