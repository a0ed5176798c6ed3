"""What a user sees while a matrix runs: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from golf.errors import GolfError
from golf.files import read_json
from golf.launch.schedule import ActiveJob
from golf.plan.graph import Plan

LINE_SECONDS = 10.0


class ProgressView:
    """Shows each running job's stage and step, and how many nodes are done."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self.plan = plan
        self.console = console
        self.started = time.monotonic()
        self.last_line = 0.0
        self.seen: dict[str, dict[str, Any]] = {}
        self.live = Live(console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> ProgressView:
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.live.stop()

    def note(self, text: str) -> None:
        self.console.print(Text(text))

    def update(self, active: list[ActiveJob], finished: int, total: int) -> None:
        if self.console.is_terminal:
            states = [(job, self._state(job)) for job in active]
            self.live.update(self._picture(states, finished, total))
        elif time.monotonic() - self.last_line >= LINE_SECONDS or not active:
            self.last_line = time.monotonic()
            doing = " | ".join(f"{job.job.label}: {told_state(self._state(job))}" for job in active)
            self.console.print(Text(f"{self._head(finished, total)}  {doing}"), soft_wrap=True)

    def _head(self, finished: int, total: int) -> str:
        seconds = int(time.monotonic() - self.started)
        return f"[{seconds // 60:d}:{seconds % 60:02d}] {finished}/{total} nodes"

    def _state(self, active: ActiveJob) -> dict[str, Any]:
        """Return what the job's nodes said last; they fall silent when they are done."""
        newest: dict[str, Any] = {}
        for node in active.job.nodes:
            try:
                found = read_json(self.plan.node_paths(node).progress)
            except GolfError:
                continue
            if found and found["at"] >= newest.get("at", 0.0):
                newest = found
        if newest:
            self.seen[active.job.key] = newest
        return self.seen.get(active.job.key, {})

    def _picture(
        self, states: list[tuple[ActiveJob, dict[str, Any]]], done: int, total: int
    ) -> Group:
        table = Table.grid(padding=(0, 2))
        for active, state in states:
            bar = ProgressBar(
                total=state.get("of", 1) or 1, completed=state.get("step", 0), width=24
            )
            table.add_row(Text(active.job.label), bar, Text(told_state(state)))
        whole = Table.grid(padding=(0, 2))
        whole.add_row(
            Text(self._head(done, total)), ProgressBar(total=total, completed=done, width=40)
        )
        return Group(whole, table)


def stderr_console() -> Console:
    """Return a console on stderr, so that stdout stays free for results."""
    return Console(stderr=True, highlight=False)


def told_state(state: dict[str, Any]) -> str:
    """Return a state as a few words: stage, step, loss."""
    if not state:
        return "starting"
    words = f"{state['stage']} {state['step']}/{state['of']}"
    return words + (f" · {state['note']}" if state.get("note") else "")
