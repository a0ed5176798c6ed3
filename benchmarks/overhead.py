"""What does a matrix cost before any work: help, twelve cells, ten thousand cells?

Golf beside Hydra's multirun and Optuna on the same matrix of jobs that do nothing, interleaved in
one run; times are also given as multiples of a bare interpreter. Tools that are not installed
show a dash (`pip install hydra-core optuna` in an environment of their own).

Run: python benchmarks/overhead.py
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 7

GOLF_SMALL = "grid: {rope_dims: [4, 8, 16], muon_ns_steps: [3, 4, 6, 7]}\n"
GOLF_LARGE = (
    "grid:\n"
    f"  rope_base: [{', '.join(str(1000 + i) for i in range(100))}]\n"
    f"  muon_wd: [{', '.join(f'0.{i:03}' for i in range(1, 101))}]\n"
    "where: [rope_base > 100]\n"
)
GOLF_EXPAND = """
import sys
from pathlib import Path
from golf.config.load import load_matrix
from golf.config.machine import Launch, this_machine
from golf.plan.expand import expand
assert len(expand(load_matrix(Path(sys.argv[1])), Launch(), this_machine()).rows) == 10001
"""
HYDRA_APP = """
import hydra
@hydra.main(version_base=None, config_name=None)
def main(config): pass
main()
"""
OPTUNA_APP = """
import sys
import optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
side = int(sys.argv[1])
space = {"a": list(range(3)), "b": list(range(side))}
study = optuna.create_study(sampler=optuna.samplers.GridSampler(space))
def objective(trial):
    return trial.suggest_categorical("a", space["a"]) + trial.suggest_categorical("b", space["b"])
study.optimize(objective, n_trials=3 * side)
"""


def has(module: str) -> bool:
    """Say whether a tool is installed here."""
    return importlib.util.find_spec(module) is not None


def commands(folder: Path) -> dict[str, list[str] | None]:
    """Return a command line for each measurement; None where its tool is missing."""
    for name, text in (
        ("small.yaml", GOLF_SMALL), ("large.yaml", GOLF_LARGE), ("expand.py", GOLF_EXPAND),
        ("hydra_app.py", HYDRA_APP), ("optuna_app.py", OPTUNA_APP),
    ):  # fmt: skip
        (folder / name).write_text(text)
    golf = [sys.executable, "-m", "golf"]
    hydra = [sys.executable, str(folder / "hydra_app.py")] if has("hydra") else None
    optuna = [sys.executable, str(folder / "optuna_app.py")] if has("optuna") else None
    twelve = ["-m", "+a=1,2,3", "+b=1,2,3,4", f"hydra.sweep.dir={folder}", "hydra/job_logging=none"]
    return {
        "bare interpreter": [sys.executable, "-c", "pass"],
        "golf --help": [*golf, "--help"],
        "hydra app --help": hydra and [*hydra, "--help"],
        "golf plan, 12 cells": [*golf, "plan", str(folder / "small.yaml")],
        "hydra multirun, 12 cells": hydra and [*hydra, *twelve],
        "optuna grid, 12 cells": optuna and [*optuna, "4"],
        "golf expands and validates 10,000 cells": [
            sys.executable, str(folder / "expand.py"), str(folder / "large.yaml"),
        ],
    }  # fmt: skip


def seconds(command: list[str], folder: Path) -> float:
    """Return the wall time of a command."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = commands(folder)
        taken: dict[str, list[float]] = {label: [] for label in lines}
        for _ in range(ROUNDS + 1):
            for label, command in lines.items():
                if command:
                    taken[label].append(seconds(command, folder))
    bare = statistics.median(taken["bare interpreter"][1:])
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"Median of {ROUNDS} interleaved rounds, the first left out; {load}.\n")
    print("| what | ms | over a bare interpreter, ms | ratio |\n|:--|--:|--:|--:|")
    for label, times in taken.items():
        if not times:
            print(f"| {label} | — | — | — |")
            continue
        middle = statistics.median(times[1:])
        over = f"{1000 * (middle - bare):.0f}"
        print(f"| {label} | {1000 * middle:.0f} | {over} | {middle / bare:.1f} |")


if __name__ == "__main__":
    main()
