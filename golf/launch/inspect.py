"""Facts that only the workshop can tell, fetched once and kept.

Planning knows no shapes. One short process builds all models of a plan on the meta device, bundles
its script and tries its compressors, and writes what it finds to ``runs/inspect``, named by what
determines it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import golf
from golf.errors import fail
from golf.files import content_key, read_json, write_json
from golf.launch.command import inspect_command
from golf.launch.executor import Running, log_tail
from golf.plan.graph import Node, Plan
from golf.plan.size.samples import Sample

SHAPE = ("data.vocab_size", "train.seq_len")
FORMAT = 2  # of the answers about models


Questions = dict[str, tuple[Any, Any]]  # by name: what names the answer, and what is asked


def models_and_script(plan: Plan) -> tuple[dict[str, dict[str, Any]], float]:
    """Return facts about each row's model, and the bytes of the baseline's script.

    A model has ``parameters``, ``flops_per_token`` and ``tensors``. Scripts of other rows differ
    from the baseline's by some dozen bytes.

    Raises:
        GolfError: a model of the plan cannot be built.
    """
    wanted = {c.row.name: _settings(c.train) for c in plan.cells}
    models: Questions = {n: ([FORMAT, s], s) for n, s in wanted.items()}
    first = plan.cells[0]
    specs = [dict(first.train.spec), dict(first.quantize.spec)]
    script: Questions = {"script": ([_sources(), specs], specs)}
    found = _answers(plan, {"models": models, "scripts": script})
    return found["models"], float(found["scripts"]["script"]["code_bytes"])


def _settings(train: Node) -> dict[str, Any]:
    return {n: v for n, v in train.spec.items() if n.startswith("model.") or n in SHAPE}


def _sources() -> list[Any]:
    """Return what changes when golf's own sources do: names, sizes and times of its files."""
    files = sorted(Path(golf.__file__).parent.rglob("*.py"))
    return [[f.name, f.stat().st_size, f.stat().st_mtime_ns] for f in files]


def efficiencies(plan: Plan, samples: Iterable[Sample]) -> dict[Sample, float]:
    """Return how near each compressor comes to the entropy of its sample: bytes over bytes."""
    asked = {s: content_key(s) for s in samples}
    questions: Questions = {key: (s, s._asdict()) for s, key in asked.items()}
    found = _answers(plan, {"samples": questions})["samples"]
    return {s: found[key]["ratio"] for s, key in asked.items()}


def _answers(plan: Plan, asked: dict[str, Questions]) -> dict[str, dict[str, Any]]:
    """Return the answers by subject and name, from their files where there are any."""
    files = {
        about: {n: plan.paths.inspection(content_key([about, key])) for n, (key, _) in q.items()}
        for about, q in asked.items()
    }
    missing = {
        about: {
            str(files[about][n]): told for n, (_, told) in q.items() if not files[about][n].exists()
        }
        for about, q in asked.items()
    }
    if any(missing.values()):
        request = plan.paths.inspection(f"request-{os.getpid()}")
        write_json(request, {"models": {}, "scripts": {}, "samples": {}} | missing)
        _run(request)
    return {about: {n: read_json(f) for n, f in named.items()} for about, named in files.items()}


def _run(request: Path) -> None:
    running = Running(inspect_command(request))
    if running.process.wait():
        log = running.command.log
        raise fail(f"the models could not be inspected; last lines of {log}:", log_tail(log))
    request.unlink()
    running.command.log.unlink()
