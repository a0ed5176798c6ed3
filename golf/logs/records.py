"""Runs of logs as records: the same results that a finished node leaves, gathered in one file.

``runs/imported/NAME.json`` holds the cells of one table. Each has a row, a seed, and a
``Result`` for every stage that its log tells of; their environment says where they come from.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

from golf.errors import GolfError, fail
from golf.files import content_key, read_json, write_json
from golf.frozen import Frozen
from golf.logs.meaning import Kind, Score
from golf.logs.run import PARAMETERS, Run, curve_of, seed_of
from golf.records import Result

VERSION = 1
WRITTEN = "`golf import LOG` writes such files"
MEBIBYTE = 1.048576  # MB
ROLES = {Kind.PRE: "pre", Kind.POST: "post", Kind.SLIDING: "post sliding", Kind.TTT: "ttt"}
COMMON = re.compile(r"(?:logs?|train|training|output|stdout|run|seed|s|v)?[-_. ]*\d*$", re.I)


class Imported(Frozen):
    """One run of a log as a cell of a table.

    Attributes:
        seed: a number that no other cell of the table has where the log names none.
        results: by role: ``train``, ``quantize``, ``pre``, ``post``, ``post sliding``, ``ttt``.
        curve: steps, losses and seconds of the training.
        settings: what the log's header said.
        seedless: whether the log names no seed.
    """

    row: str
    seed: int
    source: str
    sha256: str
    results: Mapping[str, Result]
    curve: Mapping[str, list[float]] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    seedless: bool = False

    @property
    def id(self) -> tuple[str, int]:
        return self.row, self.seed

    @property
    def is_scored(self) -> bool:
        return any(role in self.results for role in ROLES.values())

    @property
    def is_finished(self) -> bool:
        """Say whether there is a final score, or the size of an artifact."""
        made = self.results.get("quantize")
        return self.is_scored or bool(made and "artifact_bytes" in made.measures)


def row_name(path: Path, seed: int | None) -> str:
    """Return a name for a log's row: of its file without the seed, or else of its folder."""
    ending = re.compile(rf"(?:^|[-_. ])(?:seed|s)?[-_]?{seed}$", re.I)
    stem = path.stem if seed is None else ending.sub("", path.stem)
    if (not stem or COMMON.fullmatch(stem)) and path.resolve().parent.name:
        return path.resolve().parent.name
    return stem


def import_run(run: Run, row: str, seed: int) -> Imported:
    """Return a run as a cell."""
    entries: dict[str, dict[str, float | None]] = {
        "train": _train(run),
        "quantize": {
            "artifact_bytes": run.artifact[1] if run.artifact else None,
            "model_bytes": run.model_bytes,
            "code_bytes": run.code_bytes,
        },
    }
    scores = {role: s for kind, role in ROLES.items() if (s := run.score(kind))}
    results = {r: _result(run, r, measures, {}) for r, measures in entries.items()}
    for role, score in scores.items():
        about = {"label": score.label, "decimals": score.decimals, **_validation(run)}
        results[role] = _result(run, role, _measures(score), about)
    last = run.final_validation
    if "pre" not in results and last and not any(s.val_bpb for s in run.steps):
        results["pre"] = _result(run, "pre", {"loss_nats": last.val_loss}, _validation(run))
    known = {role: r for role, r in results.items() if r.measures}
    curve = curve_of(run)
    kept = {n: list(v) for n, v in curve.items()} if curve else None
    return Imported(
        row, seed, run.source, run.sha256, known, kept, dict(run.settings), run.seed is None
    )


def _train(run: Run) -> dict[str, float | None]:
    steps, ms = run.last_step, run.train_time_ms
    batch = run.number("train_batch_tokens", "total_batch_size")
    return {
        "steps": steps,
        "tokens": steps * batch if steps is not None and batch else None,
        "train_s": None if ms is None else ms / 1000,
        "step_ms": ms / steps if ms and steps else None,
        "tokens_per_s": steps * batch / (ms / 1000) if ms and steps and batch else None,
        "parameters": run.number(*PARAMETERS),
        "peak_memory_mb": None if run.peak_mib is None else run.peak_mib * MEBIBYTE,
    }


def _measures(score: Score) -> dict[str, float | None]:
    return {"bpb": score.bpb, "loss_nats": score.loss}


def _validation(run: Run) -> dict[str, str]:
    facts = {
        "val_tokens": run.settings.get("val_tokens") or run.settings.get("tokens", ""),
        "tokenizer": Path(run.settings.get("tokenizer_path", "")).name,
    }
    return {name: text for name, text in facts.items() if text}


def _result(
    run: Run, role: str, measures: Mapping[str, float | None], facts: Mapping[str, Any]
) -> Result:
    known = {name: float(v) for name, v in measures.items() if v is not None}
    environment: dict[str, Any] = dict(run.environment)
    world = run.number("world_size")
    return Result(
        stage={"train": "train", "quantize": "quantize", "ttt": "ttt"}.get(role, "evaluate"),
        key=content_key([run.sha256, role, run.seed]),
        measures=known,
        spec={},
        inputs={},
        output_sha256="",
        recipe=0,
        environment=environment | ({"world_size": world} if world else {}),
        facts={"imported": run.source, **facts},
    )


def read_imported(path: Path) -> list[Imported]:
    """Return the cells of an imported table; empty when there is no such file.

    Raises:
        GolfError: the file is not one that ``golf import`` wrote.
    """
    found = read_json(path, WRITTEN)
    if found is None:
        return []
    try:
        if found["version"] != VERSION:
            raise KeyError
        return _numbered([_cell(entry) for entry in found["cells"]])
    except (KeyError, TypeError, AttributeError, OverflowError):
        raise fail("not a table that `golf import` wrote", WRITTEN, str(path)) from None


def _cell(entry: Mapping[str, Any]) -> Imported:
    """Return a cell; tables of before say by their settings alone which have no seed."""
    results = {role: Result(**result) for role, result in entry["results"].items()}
    seedless = seed_of(entry["settings"]) is None
    cell = Imported(**{"seedless": seedless, **entry, "results": results})
    numbers = [
        *itertools.chain.from_iterable(r.measures.values() for r in results.values()),
        *itertools.chain.from_iterable((cell.curve or {}).values()),
    ]
    named = isinstance(cell.row, str) and type(cell.seed) is int
    told = all(isinstance(x, dict) for r in results.values() for x in (r.environment, r.facts))
    known = all(type(x) in (int, float) and math.isfinite(x) for x in numbers)
    if not (named and told and known):
        raise TypeError
    return cell


def write_imported(path: Path, cells: Iterable[Imported]) -> None:
    """Add cells to a table; see ``merge``."""
    entries = [dataclasses.asdict(c) for c in merge(read_imported(path), cells)]
    write_json(path, {"version": VERSION, "cells": entries})


def merge(kept: Iterable[Imported], cells: Iterable[Imported]) -> list[Imported]:
    """Return kept and new cells; a log that is imported again replaces what it gave its row.

    Raises:
        GolfError: two runs of one row have the same seed, or two logs the same text.
    """
    new = _by_log(cells)
    merged = [c for log in (_by_log(kept) | new).values() for c in log]
    first: dict[tuple[str, int], Imported] = {}
    for cell in merged:
        if not cell.seedless and first.setdefault(cell.id, cell) is not cell:
            raise _twice(first[cell.id], cell)
    for log in new.values():
        if log[0].source != log[-1].source:
            what = f"{log[0].source} and {log[-1].source} are the same log"
            raise fail(what, "leave one of them out")
    return _numbered(merged)


def _by_log(cells: Iterable[Imported]) -> dict[tuple[str, str], list[Imported]]:
    logs: dict[tuple[str, str], list[Imported]] = {}
    for cell in cells:
        logs.setdefault((cell.row, cell.sha256), []).append(cell)
    return logs


def _twice(one: Imported, other: Imported) -> GolfError:
    what, hint = f"row {one.row!r} has seed {one.seed} more than once", "leave one of them out"
    if one.source != other.source:
        if one.sha256 != other.sha256:
            hint = "import one of them by itself, with another --row or another --name"
        return fail(f"{what}: {one.source} and {other.source}", hint)
    if one.sha256 != other.sha256:
        hint = "give another --row or another --name to keep both"
        return fail(f"{what}: {one.source} is not the log that was imported before", hint)
    hint = "cut it into a log for each, and import these one by one, each with a --row of its own"
    return fail(f"{what}: {one.source} holds two finished runs", hint)


def _numbered(cells: Sequence[Imported]) -> list[Imported]:
    """Return cells; those without a seed have the first numbers that are free in all rows."""
    taken = {c.seed for c in cells if not c.seedless}
    free = (n for n in itertools.count() if n not in taken)
    return [dataclasses.replace(c, seed=next(free)) if c.seedless else c for c in cells]
