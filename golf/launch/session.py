"""``golf run`` as a user meets it: progress while it runs, then what came of it."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable

from golf.errors import fail
from golf.plan.doubts import doubts
from golf.plan.graph import Plan
from golf.plan.ledger import Options, plan_file, write_ledger
from golf.plan.shelf import Shelf
from golf.plan.show import waiting_lines
from golf.plan.taught import untaught
from golf.plan.work import pending


def run_and_tell(plan: Plan, options: Options) -> int:
    """Run ``plan`` and what its results open; return 0 done, 1 not all of it, 130 interrupted."""
    started = time.monotonic()
    session = Session(options)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        plan = session.finish(plan)
    except KeyboardInterrupt:
        print("stopped; the same command continues from here", file=sys.stderr)
        return 130
    words = [f"{sum(session.ran.values())} nodes run" if session.worked else "nothing to run"]
    words += [f"{len(plan.nodes) - len(pending(plan)) - session.ran[plan.variant]} reused"]
    words += [f"{session.failed} jobs failed"] if session.failed else []
    print(", ".join([*words, f"{time.monotonic() - started:.1f} s"]), file=sys.stderr)
    told = _put_away(plan) if session.worked else []
    for line in (*(f"warning: {text}" for text in told), *waiting_lines(plan)):
        print(line, file=sys.stderr)
    if session.failed or plan.waiting:
        return 1
    print("next:", options.line("report", str(plan.rows.matrix.path)), file=sys.stderr)
    return 0


def _put_away(plan: Plan) -> list[str]:
    """Keep what reports need of many results in one file; return what readers must know of them."""
    shelf = Shelf(plan.paths)
    found = {key: shelf.read(node.name) for key, node in plan.nodes.items()}
    shelf.keep()
    return untaught(plan, lambda node: found[node.key])


class Session:
    """Runs a plan round after round: results may open further rows, or further seeds.

    Attributes:
        ran: nodes that ran, by the matrix's variant: other matrices' winners may be needed.
        worked: whether there was anything to run.
        failed: jobs that failed.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.ran: Counter[str] = Counter()
        self.worked = False
        self.failed = 0

    def finish(self, plan: Plan) -> Plan:
        """Run until no result opens anything more; return the plan as it is then."""
        for line in doubts(plan.rows):
            print(line, file=sys.stderr)
        while True:
            for other in plan.before:
                print(f"first {other.rows.matrix.path}: its winner is waited for", file=sys.stderr)
                self.finish(other)
            self._round(plan)
            if self.failed or not plan.waiting:
                return plan
            later = plan_file(plan.rows.matrix.path, self.options)
            write_ledger(later, self.options)
            known = {outcome.source for outcome in plan.outcomes}
            for outcome in later.outcomes:
                if outcome.source not in known:
                    print("\n".join(outcome.lines()), file=sys.stderr)
            if not pending(later) and len(later.before) == len(plan.before):
                return later
            plan = later

    def _round(self, plan: Plan) -> None:
        """Run what is pending now; a run that cannot start leaves the note of the last one."""
        todo = pending(plan)
        if not todo or self.failed:
            write_ledger(plan, self.options)
            return
        self.worked = True
        self.failed += _run(plan, lambda: write_ledger(plan, self.options))
        self.ran[plan.variant] += len(todo - pending(plan))


def _run(plan: Plan, begin: Callable[[], None] = lambda: None) -> int:
    """Run under a live view; return how many jobs failed. Imports what only a run needs."""
    from golf.launch.progress import ProgressView, stderr_console  # noqa: PLC0415 (start-up)
    from golf.launch.schedule import run  # noqa: PLC0415 (start-up)

    with ProgressView(plan, stderr_console()) as view:
        failures = run(plan, view, begin)
    for failure in failures:
        print(failure, file=sys.stderr)
    return len(failures)


def calibrate(plan: Plan) -> None:
    """Run a short plan, whose nodes tell how fast this machine is.

    Raises:
        GolfError: it failed.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if pending(plan) and _run(plan):
        raise fail("the short training failed, so that nothing can be predicted from it")
