"""What does a matrix cost before any work: help, twelve cells, ten thousand cells?

Golf beside Hydra's multirun and Optuna on the same matrix of jobs that do nothing, interleaved in
one run; wall and processor time, also beside a bare interpreter. Tools that are not installed
show a dash (`pip install hydra-core optuna` in an environment of their own).

Run: python benchmarks/overhead.py
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

from processes import interleaved, load, table

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


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = commands(folder)
        runs = interleaved({n: line for n, line in lines.items() if line}, ROUNDS + 1, folder)
    taken = {name: runs[name][1:] if name in runs else [] for name in lines}
    print(f"Median of {ROUNDS} interleaved rounds, the first left out; {load()}.\n")
    print(table(taken, "bare interpreter"))


if __name__ == "__main__":
    main()
