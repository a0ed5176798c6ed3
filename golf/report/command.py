"""``golf report`` as a user meets it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from golf.plan.ledger import Options, plan_as_run
from golf.report.collect import collect
from golf.report.write import make_report

FORMATS = ("md", "csv", "json")


def report_one(path: Path, options: Options, form: str) -> int:
    """Print the report of one matrix; return how many of its cells are missing."""
    plan, options = plan_as_run(path, options)
    inside = os.path.relpath(path.resolve(), plan.paths.root)
    study = collect(plan, ["golf", "run", inside, *options.flags()])
    report = make_report(study, form, plan.paths)
    print(report.text, end="")
    if report.file:
        print(f"wrote {os.path.relpath(report.file)}", file=sys.stderr)
    return report.missing
