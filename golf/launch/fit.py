"""``golf fit``: bits and clips that fit a cap, chosen from one finished training.

What runs is the quantization that a row with ``fit`` has, in the same folder: such a row, or the
same command again, finds it done.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from golf.config.fitted import FIT
from golf.config.knob import UNSET, Stage, Value
from golf.config.load import parse_override
from golf.config.rules import broken_rules
from golf.config.schema import KNOBS, spec_for
from golf.errors import fail
from golf.files import read_json
from golf.launch.command import node_command
from golf.launch.executor import Running, log_tail
from golf.launch.schedule import only_run
from golf.plan.graph import RECIPE, Cell, Plan, Spec, node_key
from golf.records import (
    NodePaths,
    NodeSpec,
    Result,
    RunPaths,
    read_result,
    read_spec,
    stands,
    write_spec,
)

POLL_SECONDS = 0.5


def quantizing(overrides: Sequence[str]) -> tuple[list[str], dict[str, Value]]:
    """Split ``NAME=VALUE`` texts into those about other stages, and what sets a quantization."""
    parsed = {text: parse_override(text) for text in overrides}
    mine = {t: n for t, (n, _) in parsed.items() if KNOBS[n].stage is Stage.QUANTIZE}
    return [t for t in parsed if t not in mine], {n: parsed[t][1].value for t, n in mine.items()}


def fit_cell(plan: Plan, cell: Cell, wanted: Mapping[str, Value]) -> Result:
    """Fit a row's training, with what is wanted over the row's own quantization.

    Raises:
        GolfError: the training is not finished, or the row's settings leave nothing to choose.
    """
    values = {**cell.row.seeded(cell.seed), **wanted}
    train = plan.node_paths(cell.train).folder
    hint = f"golf run {plan.rows.matrix.path}"
    _require_training(plan.paths, cell.train.key, hint)
    return _fit(plan.paths, train, cell.train.record({}), values)


def fit_run(folder: Path, wanted: Mapping[str, Value]) -> Result:
    """Fit the training in a folder ``runs/train/KEY``.

    Raises:
        GolfError: it is no such folder, or not finished.
    """
    record = read_spec(folder)
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 (links are as good as folders)
    paths = RunPaths(folder.parents[2])
    if record.stage != "train" or paths.node("train", record.key).folder != folder:
        raise fail("not the folder of a training", "it is called runs/train/KEY", str(folder))
    _require_training(paths, record.key, "golf run the matrix that it belongs to")
    values: dict[str, Value] = {
        n: record.spec.get(n, k.default if k.off is UNSET else k.off) if k.stage is Stage.TRAIN
        else k.default
        for n, k in KNOBS.items()
    }  # fmt: skip
    return _fit(paths, folder, record, {**values, **wanted})


def _require_training(paths: RunPaths, key: str, hint: str) -> None:
    files = paths.node("train", key)
    if not stands(paths, "train", key):
        raise fail("the training is not finished", hint, str(files.folder))
    if not files.checkpoint.exists():
        raise fail("the training's checkpoint was cleaned away", hint, str(files.folder))


def _fit(paths: RunPaths, folder: Path, training: NodeSpec, values: Mapping[str, Value]) -> Result:
    for message, names in broken_rules(dict(values), 1):
        if FIT in names:
            raise fail(message, "--set clip_rule=sigma")
    spec = Spec(spec_for(values, Stage.QUANTIZE))
    key = node_key(Stage.QUANTIZE, spec, training.key)
    files, recipe = paths.node("quantize", key), RECIPE[Stage.QUANTIZE]
    if not stands(paths, "quantize", key):
        with only_run(paths):
            node = NodeSpec(
                "quantize", key, recipe, dict(spec), training.dataset, ["train", training.key], {}
            )
            write_spec(files, node)
            _run(files, training.spec)
    found = read_result(files)
    assert found is not None, "the node was run"
    return found


def _run(files: NodePaths, training: Mapping[str, Any]) -> None:
    """Run a node to its end, telling how far it is.

    Raises:
        GolfError: it failed.
    """
    running, told = Running(node_command(files.folder, training)), ""
    try:
        while running.exit_code() is None:
            time.sleep(POLL_SECONDS)
            state = read_json(files.progress) or {}
            line = f"{state.get('note', '')} {state.get('step', 0)}/{state.get('of', 0)}"
            if state and line != told:
                told = line
                print(line, file=sys.stderr)
    finally:
        running.stop()
    if running.exit_code():
        log = running.command.log
        raise fail(f"fitting failed; last lines of {log}:", log_tail(log))
