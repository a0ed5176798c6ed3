"""``golf run`` as a user meets it: progress while it runs, then what came of it."""

from __future__ import annotations

import shlex
import signal
import sys
import time

from golf.plan.graph import Plan
from golf.plan.ledger import Options, write_ledger
from golf.plan.work import pending


def run_and_tell(plan: Plan, options: Options) -> int:
    """Run ``plan``; return the exit code: 0 done, 1 failures, 130 interrupted."""
    started = time.monotonic()
    write_ledger(plan, options)
    failed = 0
    if todo := pending(plan):
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            failed = _run(plan)
        except KeyboardInterrupt:
            print("stopped; the same command continues from here", file=sys.stderr)
            return 130
    ran = len(todo - pending(plan)) if todo else 0
    words = [f"{ran} nodes run" if todo else "nothing to run"]
    words += [f"{len(plan.nodes) - len(todo)} reused"]
    words += [f"{failed} jobs failed"] if failed else []
    print(", ".join([*words, f"{time.monotonic() - started:.1f} s"]), file=sys.stderr)
    if not failed:
        print("next:", shlex.join(report_command(plan, options)), file=sys.stderr)
    return 1 if failed else 0


def _run(plan: Plan) -> int:
    """Run under a live view; return how many jobs failed. Imports what only a run needs."""
    from golf.launch.progress import ProgressView, stderr_console  # noqa: PLC0415 (start-up)
    from golf.launch.schedule import run  # noqa: PLC0415 (start-up)

    with ProgressView(plan, stderr_console()) as view:
        failures = run(plan, view)
    for failure in failures:
        print(failure, file=sys.stderr)
    return len(failures)


def report_command(plan: Plan, options: Options) -> list[str]:
    """Return the line that renders what was run."""
    return ["golf", "report", str(plan.rows.matrix.path), *options.flags()]
