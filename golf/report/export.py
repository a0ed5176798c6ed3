"""Results in the shapes of other programs: autoresearch's ``results.tsv``, TensorBoard."""

from __future__ import annotations

from pathlib import Path

from golf.errors import fail
from golf.logs.summary import write_results
from golf.report.study import SCORES
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


def write_tensorboard(analysis: Analysis, folder: Path) -> Path:
    """Write training curves and scores as TensorBoard event files, a run per row and seed.

    Raises:
        GolfError: the extra is not installed.
    """
    try:
        from tensorboardX import SummaryWriter  # noqa: PLC0415 (an extra)
    except ImportError:
        raise fail("TensorBoard files need an extra", "pip install 'golf[tensorboard]'") from None
    for row, lines in analysis.values.items():
        for seed, line in lines.items():
            name = "".join(c if c.isalnum() or c in "-=._" else "_" for c in row)
            with SummaryWriter(str(folder / f"{name}-{seed}"), write_to_disk=True) as writer:
                curve = analysis.study.curve(row, seed)
                for step, loss in zip(curve.steps, curve.loss, strict=True) if curve else ():
                    writer.add_scalar("train/loss", loss, int(step))
                for score in SCORES:
                    if line.get(score) is not None:
                        writer.add_scalar(score, line[score], int(line.get("steps") or 0))
    return folder
