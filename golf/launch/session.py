"""``golf run`` as a user meets it: progress while it runs, then what came of it."""

from __future__ import annotations

import shlex
import signal
import sys
import time

from golf.launch.schedule import Outcome, run
from golf.plan.graph import Plan
from golf.plan.ledger import Options, write_ledger
from golf.plan.work import pending


def run_and_tell(plan: Plan, options: Options) -> int:
    """Run ``plan``; return the exit code: 0 done, 1 failures, 130 interrupted."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    write_ledger(plan, options)
    try:
        outcome = _run(plan) if pending(plan) else Outcome(0, len(plan.nodes), ())
    except KeyboardInterrupt:
        print("stopped; the same command continues from here", file=sys.stderr)
        return 130
    for failure in outcome.failures:
        print(failure, file=sys.stderr)
    done = outcome.ran or outcome.failures
    words = [f"{outcome.ran} nodes run" if done else "nothing to run", f"{outcome.reused} reused"]
    words += [f"{len(outcome.failures)} jobs failed"] if outcome.failures else []
    print(", ".join([*words, f"{time.monotonic() - started:.1f} s"]), file=sys.stderr)
    if not outcome.failures:
        print("next:", shlex.join(report_command(plan, options)), file=sys.stderr)
    return 1 if outcome.failures else 0


def _run(plan: Plan) -> Outcome:
    """Run under a live view; rich is imported only when there is something to watch."""
    from golf.launch.progress import ProgressView, stderr_console  # noqa: PLC0415 (slow import)

    with ProgressView(plan, stderr_console()) as view:
        return run(plan, view)


def report_command(plan: Plan, options: Options) -> list[str]:
    """Return the line that renders what was run."""
    return ["golf", "report", str(plan.rows.matrix.path), *options.flags()]
