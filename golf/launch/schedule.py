"""Walk through the jobs of a plan: skip what stands, fill the slots, survive failures.

A job that fails takes down only itself; what it finished stands, the other jobs go on. An
interrupt stops every process group and leaves a state that the next run continues from.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from golf.config.knob import Stage, Value
from golf.config.schema import spec_for
from golf.errors import Problem, fail
from golf.files import read_json, write_json
from golf.launch.command import (
    Command,
    Slot,
    asked_slots,
    dataset_command,
    job_command,
    slots,
)
from golf.launch.executor import Running, log_tail
from golf.plan.graph import Dataset, Plan
from golf.plan.work import Job, jobs, pending
from golf.records import RunPaths, stands, write_spec

POLL_SECONDS = 0.2
COUNT_SECONDS = 2.0


@dataclass
class ActiveJob:
    """A job in its slot."""

    job: Job
    slot: Slot
    running: Running
    started: float = field(default_factory=time.monotonic)


class Watcher(Protocol):
    """Who is told how the run goes."""

    def note(self, text: str) -> None:
        """Say one thing."""

    def update(self, active: list[ActiveJob], finished: int, total: int) -> None:
        """Show the present state; called several times a second."""


def dry_run(plan: Plan) -> list[Command]:
    """Return the commands that a run would start, in order; they need no GPU to be told."""
    work = jobs(plan, pending(plan))
    cut = asked_slots(plan)
    datasets = {n.dataset.key: n.dataset for job in work for n in job.nodes}
    unprepared = [d for d in datasets.values() if not _prepared(plan.paths, d)]
    return [
        *(dataset_command(plan, d) for d in unprepared),
        *(job_command(plan, job, cut[i % len(cut)]) for i, job in enumerate(work)),
    ]


def run(plan: Plan, watcher: Watcher, begin: Callable[[], None] = lambda: None) -> tuple[str, ...]:
    """Bring every node of ``plan`` to its result; return a message for each failed job.

    Args:
        plan: what to do.
        watcher: who is told.
        begin: called once it is certain that the run can start.

    Raises:
        GolfError: another run is at work here, or a dataset cannot be prepared.
    """
    todo = pending(plan)
    slots(plan)
    with only_run(plan.paths):
        begin()
        work = jobs(plan, todo)
        _prepare_datasets(plan, work, watcher)
        return _run_jobs(plan, work, watcher, len(todo))


@contextlib.contextmanager
def only_run(paths: RunPaths) -> Iterator[None]:
    """Hold the project's lock: two runs in one project would do the same work twice."""
    paths.runs.mkdir(parents=True, exist_ok=True)
    with paths.lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            what = f"another golf run (process {lock.read().strip() or 'unknown'}) is at work here"
            raise fail(what, "wait for it, or stop it with Ctrl-C", str(paths.runs)) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _prepared(paths: RunPaths, dataset: Dataset) -> bool:
    """Say whether a dataset is ready, and made from files that still lie where they did."""
    folder = paths.dataset(dataset.key)
    recipe = read_json(folder / "recipe.json")
    return recipe == dict(dataset.spec) and (folder / "dataset.json").exists()


def _prepare_datasets(plan: Plan, work: list[Job], watcher: Watcher) -> None:
    for dataset in {n.dataset.key: n.dataset for job in work for n in job.nodes}.values():
        if _prepared(plan.paths, dataset):
            continue
        folder = plan.paths.dataset(dataset.key)
        (folder / "dataset.json").unlink(missing_ok=True)
        write_json(folder / "recipe.json", dict(dataset.spec))
        command = dataset_command(plan, dataset)
        watcher.note(f"preparing dataset {dataset.key}")
        running = Running(command)
        try:
            code = running.process.wait()
        except BaseException:
            running.stop()
            raise
        if code:
            raise fail(f"the dataset was not prepared; last lines of {command.log}:", log_tail(
                command.log))  # fmt: skip


def _run_jobs(plan: Plan, work: list[Job], watcher: Watcher, total: int) -> tuple[str, ...]:
    """Keep every slot busy until no job is left."""
    free, waiting = slots(plan), list(work)
    active: list[ActiveJob] = []
    failures: list[str] = []
    left, counted_at = total, time.monotonic()
    try:
        while waiting or active:
            while waiting and free:
                active.append(_start(plan, waiting.pop(0), free.pop(0)))
            watcher.update(active, total - left, total)
            time.sleep(POLL_SECONDS)
            for ended in [a for a in active if a.running.exit_code() is not None]:
                active.remove(ended)
                free.insert(0, ended.slot)
                failures += _failure(plan, ended)
            if time.monotonic() - counted_at > COUNT_SECONDS:
                left, counted_at = len(pending(plan)), time.monotonic()
        watcher.update(active, total - len(pending(plan)), total)
    finally:
        for running in active:
            running.running.stop()
    return tuple(failures)


def _start(plan: Plan, job: Job, slot: Slot) -> ActiveJob:
    runtime: dict[str, Value] = spec_for(plan.rows.rows[0].values, Stage.RUNTIME)
    runtime["audit"] = plan.rows.launch.audit
    for node in job.nodes:
        paths = plan.node_paths(node)
        write_spec(paths, node.record(runtime))
        paths.failed.unlink(missing_ok=True)
    return ActiveJob(job, slot, Running(job_command(plan, job, slot)))


def _failure(plan: Plan, ended: ActiveJob) -> list[str]:
    """Return the message of a job that did not finish, with the end of its log."""
    code = ended.running.exit_code()
    if code == 0:
        return []
    left = [n for n in ended.job.nodes if not stands(plan.paths, *n.id)]
    where = plan.node_paths(left[0]).folder if left else ended.running.command.log.parent
    stage = left[0].stage if left else "the job"
    log = ended.running.command.log
    head = f"{where}: {stage} of {ended.job.label} stopped (exit {code}); last lines of {log}:"
    return [str(Problem("", head, log_tail(log)))]
