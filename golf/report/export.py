"""Results in the shapes of other programs: autoresearch's ``results.tsv``."""

from __future__ import annotations

from golf.logs.summary import write_results
from golf.report.table import Analysis
from golf.report.tables.judged import statuses


def as_results(analysis: Analysis) -> str:
    """Return a ``results.tsv``: a line per row; a row without a score is a crash of zeros."""
    name = analysis.main_score
    told = statuses(analysis, name)
    lines = []
    for row in analysis.table:
        commits = [x["commit"] for x in analysis.values[row.row].values() if x.get("commit")]
        name_of_its_own = [] if row.row in commits else [row.row]
        memory = row.mean("peak_memory_mb")
        lines.append(
            {
                "commit": commits[0][:7] if commits else "-",
                "val_bpb": f"{row.mean(name) or 0:.6f}",
                "memory_gb": f"{(memory or 0) / 1e3:.1f}",
                "status": told[row.row] or "crash",
                "description": ": ".join([*name_of_its_own, *filter(None, [row.info.change])]),
            }
        )
    return write_results(lines)
