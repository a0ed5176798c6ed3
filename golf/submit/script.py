"""The frozen script, run once where it will lie, and its numbers held against the recorded ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from golf.config.values import listed
from golf.errors import GolfError, fail
from golf.files import file_sha256, read_json
from golf.launch.command import script_command
from golf.launch.executor import START_LINE, Running, log_tail
from golf.launch.progress import LINE_SECONDS, told_state
from golf.plan.graph import Cell, Node
from golf.records import RunPaths, lasting
from golf.submit.checks import Check, Status
from golf.submit.entry import Entry, nodes_of

RULE = "train_gpt.py, run once in this folder, gives the recorded numbers"
CODE = ("code_bytes", "artifact_bytes")  # a submission counts the script that it ships
SHOWN = 4  # differing numbers that a check lists
POLL_SECONDS = 0.2

Numbers = dict[str, tuple[Any, Any]]  # by name: recorded, and found now


def not_run() -> Check:
    """Return the check of a script that nobody ran."""
    return Check("script_reproduces", RULE, Status.UNCHECKED, "not run (--no-run)")


def run_script(entry: Entry, script: Path, tell: Callable[[str], None]) -> Check:
    """Run the script in its folder and return what came of it; takes as long as the row did.

    What it writes to ``runs/`` there is left for the caller to take away.

    Raises:
        GolfError: the data is not there, or the script stops.
    """
    data = entry.plan.paths.dataset(entry.frozen.train.dataset.key).resolve()
    if not (data / "dataset.json").exists():
        hint = f"golf run {entry.plan.rows.matrix.path}, or --no-run for an incomplete folder"
        raise fail("the data that the script reads is not prepared here", hint, str(data))
    tell(f"running train_gpt.py once, seed {entry.frozen.seed}; {_duration(entry)}")
    running = Running(script_command(entry.plan, script, data))
    try:
        _watch(running, script.parent / "runs", tell)
    except BaseException:
        running.stop()
        raise
    code = running.exit_code()
    if code:
        tail = log_tail(running.command.log)
        hint = "--no-run writes the folder without it, marked as incomplete"
        raise fail(f"train_gpt.py stopped (exit {code}); its last lines:\n  {tail}", hint)
    _drop_command(running.command.log)
    return compare(entry, RunPaths(script.parent))


def _drop_command(log: Path) -> None:
    """Leave out the line that started the script: it names folders of this machine."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    log.write_text("".join(x for x in lines if not x.startswith(START_LINE)), encoding="utf-8")


def _duration(entry: Entry) -> str:
    own = [n for n in nodes_of(entry.frozen) if n not in entry.frozen.pre.values()]
    seconds = sum(entry.result(n).measures["wall_s"] for n in own)
    return f"the row took {seconds:,.0f} s"


def _watch(running: Running, runs: Path, tell: Callable[[str], None]) -> None:
    """Wait for the end; say now and then how far it is."""
    started = said = time.monotonic()
    while running.exit_code() is None:
        time.sleep(POLL_SECONDS)
        now = time.monotonic()
        if now - said >= LINE_SECONDS:
            said, seconds = now, int(now - started)
            tell(f"[{seconds // 60}:{seconds % 60:02d}] {told_state(_state(runs))}")


def _state(runs: Path) -> dict[str, Any]:
    newest: dict[str, Any] = {}
    for path in runs.glob("*/*/progress.json"):
        try:
            found = read_json(path) or {}
        except GolfError:
            continue
        newest = max(newest, found, key=lambda state: float(state.get("at", 0.0)))
    return newest


def compare(entry: Entry, made: RunPaths) -> Check:
    """Hold what a script wrote against what is on record."""
    numbers = dict(_numbers(entry, made))
    differing = {n: pair for n, pair in numbers.items() if pair[0] != pair[1]}
    if not differing:
        what = f"{len(numbers)} numbers and the artifact's bytes are equal, bit for bit"
        return Check("script_reproduces", RULE, Status.MET, f"seed {entry.frozen.seed}: {what}")
    told = [f"{n} {now} instead of {was}" for n, (was, now) in differing.items()]
    return _judged(entry, numbers, f"{listed(told, SHOWN)} of {len(numbers)} numbers")


def _judged(entry: Entry, numbers: Numbers, told: str) -> Check:
    """Return the check of numbers that differ: where bits are not promised, by the noise."""
    seed, train = f"seed {entry.frozen.seed}: ", entry.result(entry.frozen.train)
    in_seconds = entry.row.values["train.seconds"] is not None
    if train.environment.get("device_type") == "cpu" and not in_seconds:
        return Check("script_reproduces", RULE, Status.NOT_MET, seed + told)
    why = "a budget in seconds" if in_seconds else "a GPU"
    floor = entry.analysis.floors[entry.score]
    was, now = numbers["ttt bpb" if entry.frozen.ttt else f"{next(iter(entry.frozen.post))} bpb"]
    if floor is None:
        said = f"{told}; {why} promises no bits, and nothing tells how much chance moves a score"
        return Check("script_reproduces", RULE, Status.UNCHECKED, seed + said)
    within, reach = abs(now - was) <= floor.reach(), floor.reach()
    status = Status.MET if within else Status.NOT_MET
    said = f"bpb {now:.6f}, recorded {was:.6f}; {why} promises no bits, and two runs differ by "
    return Check("script_reproduces", RULE, status, f"{seed}{said}up to {reach:.2g} by chance")


def _numbers(entry: Entry, made: RunPaths) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield every number that both have, and the hash of the artifact."""
    for name, node in _scripted(entry.frozen).items():
        files = made.node(str(node.stage), name)
        now = lasting(read_json(files.folder / "measures.json") or {})
        was = lasting(entry.result(node).measures)
        for measure in sorted((was.keys() & now.keys()) - set(CODE)):
            yield f"{name} {measure}", (was[measure], now[measure])
    artifact = made.node("quantize", "quantize").artifact
    recorded = entry.result(entry.frozen.quantize).output_sha256
    yield "artifact sha256", (recorded, file_sha256(artifact))


def _scripted(cell: Cell) -> dict[str, Node]:
    """Return the nodes of a cell that its script runs, by the names that it gives them."""
    named = {"train": cell.train, "quantize": cell.quantize, **cell.post}
    return {**named, "ttt": cell.ttt} if cell.ttt else named
