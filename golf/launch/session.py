"""``golf run`` as a user meets it: progress while it runs, then what came of it."""

from __future__ import annotations

import shlex
import sys
import time

from rich.console import Console
from rich.text import Text

from golf.launch.progress import ProgressView
from golf.launch.schedule import run
from golf.plan.graph import Plan
from golf.plan.ledger import Options


def run_and_tell(plan: Plan, options: Options) -> int:
    """Run ``plan``; return the exit code: 0 when every node is done, 1 otherwise."""
    console = Console(stderr=True, highlight=False)
    started = time.monotonic()
    with ProgressView(plan, console) as view:
        outcome = run(plan, options, view)
    seconds = time.monotonic() - started
    for failure in outcome.failures:
        print(failure, file=sys.stderr)
    ran = f"{outcome.ran} nodes run" if outcome.ran else "nothing to run"
    console.print(Text(f"{ran}, {outcome.reused} reused, {seconds:.1f} s"), soft_wrap=True)
    if not outcome.failures:
        console.print(Text("next: " + shlex.join(report_command(plan, options))), soft_wrap=True)
    return 1 if outcome.failures else 0


def report_command(plan: Plan, options: Options) -> list[str]:
    """Return the line that renders what was run."""
    return ["golf", "report", str(plan.rows.matrix.path), *options.flags()]
