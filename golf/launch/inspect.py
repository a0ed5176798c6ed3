"""Facts about models that only the workshop can count, fetched once and kept.

Planning knows no shapes. One short process builds all models of a plan on the meta device and
writes their counts to ``runs/inspect``, named by what determines them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from golf.errors import fail
from golf.files import content_key, read_json, write_json
from golf.launch.command import inspect_command
from golf.launch.executor import Running, log_tail
from golf.plan.graph import Node, Plan

SHAPE = ("data.vocab_size", "train.seq_len")


def model_counts(plan: Plan) -> dict[str, dict[str, int]]:
    """Return ``parameters`` and ``flops_per_token`` by row name.

    Raises:
        GolfError: a model of the plan cannot be built.
    """
    wanted = {c.row.name: _settings(c.train) for c in plan.cells}
    files = {name: plan.paths.inspection(content_key(s)) for name, s in wanted.items()}
    missing = {str(files[n]): s for n, s in wanted.items() if not files[n].exists()}
    if missing:
        _inspect(plan.paths.inspection("request"), missing)
    return {name: read_json(file) for name, file in files.items()}


def _settings(train: Node) -> dict[str, Any]:
    return {n: v for n, v in train.spec.items() if n.startswith("model.") or n in SHAPE}


def _inspect(request: Path, missing: dict[str, dict[str, Any]]) -> None:
    write_json(request, missing)
    running = Running(inspect_command(request))
    if running.process.wait():
        log = running.command.log
        raise fail(f"the models could not be inspected; last lines of {log}:", log_tail(log))
    request.unlink()
