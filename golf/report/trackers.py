"""Training curves and scores for TensorBoard, W&B and trackio: a run per row and seed."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from golf.errors import fail
from golf.files import content_key
from golf.report.study import ARTIFACT_MEASURES, SCORES, Curve
from golf.report.table import Analysis

# The console, code, packages and machine of the one who exports are not those of the training.
RESULTS_ONLY = {
    "host": "",
    "console": "off",
    "disable_code": True,
    "disable_git": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
}

Point = tuple[int, dict[str, float]]  # a step and its values


def export(analysis: Analysis, form: str, folder: Path) -> tuple[Path, ...]:
    """Hand every run to a library, in place of what an earlier export wrote of it.

    Args:
        analysis: the rows and seeds.
        form: one of TRACKERS.
        folder: for the files of a library that has no place of its own.

    Raises:
        GolfError: the library is not installed, or refuses.
    """
    name, start = TRACKERS[form]
    try:
        library = import_module(name)
    except ImportError as why:
        told = f"--format {form} needs an extra: {why}"
        raise fail(told, f"pip install 'golf[{form}]'") from None
    folder = folder.resolve()
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with redirect_stdout(sys.stderr):
        for about, points in runs(analysis):
            try:
                run = start(library, about, fresh)
            except (ValueError, OSError, getattr(library, "Error", OSError)) as refused:
                shutil.rmtree(fresh, ignore_errors=True)
                raise fail(f"{form}: {refused}") from None
            for step, values in points:
                run.log(values, step=step)
            run.finish()
    if not fresh.exists():
        return ()
    if folder.exists():
        shutil.rmtree(folder)
    fresh.rename(folder)
    return (folder,)


def runs(analysis: Analysis) -> Iterator[tuple[dict[str, Any], list[Point]]]:
    """Yield what W&B's and trackio's ``init`` take, and the points, of all that have numbers.

    The ``id`` in ``config`` is the same when the same row, settings and seed are exported again.
    """
    project = _plain(analysis.study.name)
    settings = {row.name: row.settings for row in analysis.study.rows}
    for row, lines in analysis.values.items():
        for seed, line in lines.items():
            points = _points(analysis.study.curve(row, seed), line)
            known = {**settings[row], "train.seed": seed}.items()
            # W&B reads a dot in a name as a level.
            config = {name.replace(".", "/"): _finite(value) for name, value in known}
            config["id"] = content_key([row, config])
            about = {"project": project, "name": f"{row}-{seed}", "group": row, "config": config}
            if points:
                yield about, points


def _points(curve: Curve | None, line: Mapping[str, Any]) -> list[Point]:
    """Return a training curve, and scores and bytes at its end."""
    points: list[Point] = []
    if curve:
        columns = {"train/loss": curve.loss, "train/seconds": curve.seconds}
        known = {name: values for name, values in columns.items() if len(values)}
        points = [(int(s), {n: v[i] for n, v in known.items()}) for i, s in enumerate(curve.steps)]
    end = max(int(line.get("steps") or 0), *(step for step, _ in points), 0)
    final = {n: line[n] for n in (*SCORES, *ARTIFACT_MEASURES) if line.get(n) is not None}
    return [*points, (end, final)] if final else points


def _finite(value: Any) -> Any:
    """Return a setting, as text where JSON has no number for it."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _plain(name: str) -> str:
    """Return a name that is allowed for a folder and for a project."""
    return "".join(c if c.isalnum() or c in "-=._" else "_" for c in name)


class Events:
    """TensorBoard's files behind the methods of a W&B run."""

    def __init__(self, tensorboard: Any, about: Mapping[str, Any], folder: Path) -> None:
        self.writer = tensorboard.SummaryWriter(str(folder / _plain(about["name"])))
        self.finish = self.writer.close

    def log(self, values: Mapping[str, float], step: int) -> None:
        for tag, value in values.items():
            self.writer.add_scalar(tag, value, step)


def _in_wandb(wandb: Any, about: Mapping[str, Any], folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**RESULTS_ONLY, "quiet": True}
    return wandb.init(**about, id=about["config"]["id"], dir=str(folder), settings=settings)


def _in_trackio(trackio: Any, about: Mapping[str, Any], folder: Path) -> Any:
    """Start a run; that of an earlier export is deleted, since trackio takes no ids."""
    with suppress(ValueError):  # a new project
        for old in trackio.Api().runs(about["project"]):
            mine = old.name == about["name"] and (old.config or {}).get("id")
            if mine == about["config"]["id"]:
                old.delete()
    trackio.init(**about, auto_log_cpu=False, auto_log_gpu=False)
    return trackio


# By format, the module to import and what starts a run in it.
TRACKERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "tensorboard": ("tensorboardX", Events),
    "wandb": ("wandb", _in_wandb),
    "trackio": ("trackio", _in_trackio),
}
