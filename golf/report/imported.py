"""``golf import``: logs to records, and records to a study."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from golf.config.values import listed
from golf.errors import did_you_mean, fail
from golf.logs.index import as_entry
from golf.logs.read import read_log
from golf.logs.records import Imported, import_run, merge, row_name, write_imported
from golf.logs.run import Run
from golf.records import Result, RunPaths, enclosing_project
from golf.report.study import (
    ARTIFACT_MEASURES,
    CONDITIONS,
    SEEDLESS,
    TRAIN_MEASURES,
    Curve,
    Study,
    StudyRow,
)

NAME = re.compile(r"[\w.-]+")
LOSS = "val_loss"  # of logs without bits per byte
LATE = "Imported from logs: what a log does not say is missing here."
UNPAIRED = "Logs without a seed: their runs are numbered, and compared unpaired."


def read_logs(paths: Sequence[Path]) -> list[Run]:
    """Return the runs of all logs.

    Raises:
        GolfError: a file without a run; all such files at once.
    """
    found = {path: read_log(path) for path in paths}
    empty = [str(path) for path, runs in found.items() if not runs]
    if empty:
        hint = "a log has lines such as `step:100/2000 val_loss:2.1 val_bpb:1.2`"
        raise fail(f"no run found in {', '.join(empty)}", hint)
    return [run for runs in found.values() for run in runs]


def as_index(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what ``golf import --json`` prints."""
    return {"runs": [as_entry(run) for run in runs]}


def cells_of(runs: Sequence[Run], row: str = "") -> list[Imported]:
    """Return runs as cells; those without a seed are numbered.

    Raises:
        GolfError: two runs of one row have the same seed.
    """
    cells = []
    for run in runs:
        name = row or row_name(Path(run.source), run.seed)
        cells.append(import_run(run, name, run.seed or 0))
    return merge([], _without_attempts(cells))


def _without_attempts(cells: Sequence[Imported]) -> Iterator[Imported]:
    """Yield cells without the unfinished ones that their own log repeats, and say which."""
    runs: dict[Any, list[Imported]] = {}
    for i, cell in enumerate(cells):
        runs.setdefault(i if cell.seedless else (cell.source, cell.id), []).append(cell)
    for run in runs.values():
        kept = [c for c in run if c.is_finished] or run[-1:]
        yield from kept
        for cell in run:
            if cell not in kept:
                print(f"left out: {_attempt(cell)}, in {cell.source}", file=sys.stderr)


def _attempt(cell: Imported) -> str:
    steps = _measure(cell.results.get("train"), "steps")
    end = "before its first step" if steps is None else f"at step {steps:.0f}"
    return f"an attempt of seed {cell.seed} that ended {end}"


def keep(root: Path, name: str, cells: Sequence[Imported]) -> Path:
    """Add cells to the imported table ``name``; return its file."""
    path = RunPaths(root).imported(name)
    write_imported(path, cells)
    return path


def run_import(logs: Sequence[Path], name: str, row: str, dry_run: bool, print_json: bool) -> None:
    """Read logs, keep what was found in them unless it is a dry run, and say what it is.

    Raises:
        GolfError: a name that cannot name a file, logs without runs, or runs that are there.
    """
    if not NAME.fullmatch(name):
        raise fail(f"--name {name!r} has other signs than letters, digits, '.', '_', '-'")
    runs = read_logs(logs)
    path = None
    if not dry_run:
        path = keep(enclosing_project(Path.cwd()) or Path.cwd(), name, cells_of(runs, row))
    if print_json:
        print(json.dumps(as_index(runs), indent=1, ensure_ascii=False))
    else:
        print("\n".join(map(_told, runs)))
    if path:
        print(f"wrote {path}\nnext: golf report --runs {path}", file=sys.stderr)


def _told(run: Run) -> str:
    entry = as_entry(run)
    scores = [n for n in entry if n.endswith("_bpb") and entry[n] is not None]
    words = ("seed", "steps", *(scores or ["last_step_val_loss"]), "artifact_bytes")
    known = [f"{n} {entry[n]}" for n in words if entry[n] is not None]
    return f"{run.source}: " + ", ".join(known)


def study_of(cells: Sequence[Imported], name: str, baseline: str = "") -> Study:
    """Return the study of imported cells; every row is compared with ``baseline``.

    Args:
        cells: imported runs.
        name: of the report.
        baseline: a row; the first one when empty.

    Raises:
        GolfError: there is no such row.
    """
    names = list(dict.fromkeys(c.row for c in cells))
    base = baseline or names[0]
    if base not in names:
        raise fail(f"no row {base!r}", did_you_mean(base, names) or f"there are {', '.join(names)}")
    names.sort(key=lambda n: n != base)
    settings = {n: next(c.settings for c in cells if c.row == n) for n in names}
    rows = [
        StudyRow(
            n,
            change=_change(settings[base], settings[n]) if n != base else "",
            parent="" if n == base else base,
            settings=settings[n],
            own={k: v for k, v in settings[n].items() if settings[base].get(k) != v},
        )
        for n in names
    ]
    curves = {c.id: c for c in cells}
    lines = sorted((_line(c) for c in cells), key=lambda x: names.index(x["row"]))
    return Study(
        name=name,
        rows=tuple(rows),
        lines=tuple(lines),
        notes=(LATE, UNPAIRED) if any(c.seedless for c in cells) else (LATE,),
        others=(LOSS,) if any(x.get(LOSS) is not None for x in lines) else (),
        wallclock_budget=any("max_wallclock_seconds" in s for s in settings.values()),
        curve=lambda row, seed: _curve(curves[row, seed]),
    )


# Settings that say where a run was made, not what it is.
PLACES = ("path", "dir", "file", "files", "run_id", "rank", "seed", "logfile", "tokens")


def differing(base: dict[str, Any] | Any, mine: dict[str, Any] | Any) -> dict[str, tuple[Any, Any]]:
    """Return the settings that both sides know and that differ, places left out."""
    return {
        n: (base[n], mine[n])
        for n in mine
        if n in base and mine[n] != base[n] and not n.endswith(PLACES)
    }


def _change(base: Any, mine: Any) -> str:
    found = [f"{n} {new}" for n, (_, new) in differing(base, mine).items()]
    return listed(found, 4)


def _line(cell: Imported) -> dict[str, Any]:
    results = cell.results
    line: dict[str, Any] = {"row": cell.row, "seed": cell.seed, "complete": cell.is_scored}
    if cell.seedless:
        line[SEEDLESS] = True
    for role, measures in (("train", TRAIN_MEASURES), ("quantize", ARTIFACT_MEASURES)):
        line |= {name: _measure(results.get(role), name) for name in measures}
    for role, column in (("pre", "pre_bpb"), ("post", "post_bpb"), ("ttt", "ttt_bpb")):
        line[column] = _measure(results.get(role), "bpb")
    if line["pre_bpb"] is None:
        line[LOSS] = _measure(results.get("pre"), "loss_nats")
    if "post sliding" in results:
        line["post_bpb sliding"] = _measure(results["post sliding"], "bpb")
    return line | _conditions(cell)


def _conditions(cell: Imported) -> dict[str, str]:
    said = [
        x for r in cell.results.values() for told in (r.environment, r.facts) for x in told.items()
    ]
    return {name: str(value) for name, value in said if name in CONDITIONS}


def _measure(result: Result | None, name: str) -> float | None:
    return result.measures.get(name) if result else None


def _curve(cell: Imported) -> Curve | None:
    if not cell.curve:
        return None
    train = cell.results.get("train")
    steps, tokens = _measure(train, "steps"), _measure(train, "tokens")
    seen = [s * tokens / steps for s in cell.curve["step"]] if steps and tokens else []
    return Curve(cell.curve["step"], cell.curve["loss"], cell.curve.get("train_s", []), seen)
