"""Pictures with a place for every row: deltas, bytes, stages."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from golf.records import ARTIFACT_LIMIT
from golf.report.figures.style import Theme, colour, line, marker, named, new_figure, zero_line
from golf.report.findings import pareto
from golf.report.study import HEADINGS, SAID, SCORES
from golf.report.table import Analysis
from golf.report.tables.shape import MINUS
from golf.statistics.verdict import Verdict

MOST_ROWS = 40
NEAR_LIMIT = 0.5  # share of the limit from which it is drawn
VERDICT_COLOURS = {
    Verdict.BETTER: ("#009E73", "o"),
    Verdict.WORSE: ("#D55E00", "s"),
    Verdict.BELOW: ("#E69F00", "v"),
    Verdict.NOISE: ("#8b949e", "D"),
    Verdict.OPEN: ("#8b949e", "o"),
    Verdict.ONE_SEED: ("#CC79A7", "^"),
}
MORE = "the first {} of {} rows"


def signed_axis(value: float, _: object = None) -> str:
    """Return a tick with a true minus."""
    return f"{value:+.4g}".replace("-", MINUS) if abs(value) > 1e-12 else "0"


def draw_deltas(analysis: Analysis, theme: Theme) -> Figure | None:
    """Draw every delta with its interval and the noise floor of single runs."""
    name = analysis.main_score
    judged = [(r, j) for r in analysis.table if (j := r.judged.get(name))]
    shown = judged[:MOST_ROWS]
    if not shown:
        return None
    figure = new_figure(1.4 + 0.32 * len(shown))
    axes = figure.subplots()
    floor = analysis.floors[name]
    if floor:
        axes.axvspan(-floor.reach(), floor.reach(), color=theme.faint, alpha=0.45, lw=0)
    zero_line(axes, theme)
    seen = set()
    for y, (_, found) in enumerate(shown):
        shade, sign = VERDICT_COLOURS[found.verdict]
        label = str(found.verdict) if found.verdict not in seen else None
        seen.add(found.verdict)
        half = found.delta.half_width()
        axes.errorbar(found.delta.mean, y, xerr=half, fmt=sign, color=shade, capsize=3, label=label)
    _bound(axes, [f.delta.mean for _, f in shown], floor.reach() if floor else 0.0)
    parents = {r.parent for r, _ in shown}
    names = [r.row if len(parents) == 1 else f"{r.row} vs {r.parent}" for r, _ in shown]
    axes.set_yticks(range(len(shown)), [named(n) for n in names])
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(FuncFormatter(signed_axis))
    against = f" vs {named(next(iter(parents)))}" if len(parents) == 1 else ""
    axes.set_xlabel(f"Δ {SAID[name]}{against}, bits per byte (left is better)")
    title = "Deltas with 95 % intervals; longer ones run off the picture"
    title += "\nshaded: what chance alone moves two single runs" if floor else ""
    axes.set_title(title, fontsize=10, loc="left")
    figure.legend(loc="outside lower center", ncols=4)
    return figure


def _bound(axes: Axes, means: list[float], floor: float) -> None:
    """Keep intervals of two seeds, which are huge, from flattening everything else."""
    reach = 2.5 * max(*map(abs, means), floor, 1e-4)
    axes.set_xlim(-reach, reach)


def draw_bytes(analysis: Analysis, theme: Theme) -> Figure | None:
    """Draw score against artifact bytes, with the front and the limit."""
    name = analysis.main_score
    rows = [r for r in analysis.table if r.mean(name) is not None and r.mean("artifact_bytes")]
    if len(rows) < 2:
        return None
    figure = new_figure(4.6)
    axes = figure.subplots()
    front = pareto(tuple(rows), name)
    points = [(r.mean("artifact_bytes") or 0.0, r.mean(name) or 0.0) for r in front]
    axes.step(
        [x / 1e6 for x, _ in points], [y for _, y in points], where="post", color=theme.ink,
        linewidth=1, linestyle="--", label="nothing is smaller and better",
    )  # fmt: skip
    for i, row in enumerate(rows[:MOST_ROWS]):
        size, value = (row.mean("artifact_bytes") or 0.0) / 1e6, row.mean(name) or 0.0
        label = named(row.row) if len(rows) <= 18 else None
        axes.plot(size, value, marker(i), color=colour(i), markersize=7, label=label)
    if max(x for x, _ in points) > NEAR_LIMIT * ARTIFACT_LIMIT:
        axes.axvline(ARTIFACT_LIMIT / 1e6, color="#D55E00", linewidth=1.5, label="16,000,000 bytes")
    axes.set_xlabel("artifact, decimal MB")
    axes.set_ylabel(f"{SAID[name]}, bits per byte")
    axes.ticklabel_format(useOffset=False)
    figure.legend(loc="outside right upper", fontsize=8)
    return figure


def draw_stages(analysis: Analysis, theme: Theme) -> Figure | None:
    """Draw each row's way from before quantization to after test-time training."""
    scores = [s for s in SCORES if s in analysis.scores]
    rows = [r for r in analysis.table if sum(r.mean(s) is not None for s in scores) > 1]
    if len(scores) < 2 or not rows:
        return None
    figure = new_figure(4.6)
    axes = figure.subplots()
    for i, row in enumerate(rows[:18]):
        there = [(x, v) for x, s in enumerate(scores) if (v := row.mean(s)) is not None]
        axes.plot(
            [x for x, _ in there], [v for _, v in there], marker=marker(i), color=colour(i),
            linestyle=line(i), label=named(row.row),
        )  # fmt: skip
    axes.set_xticks(range(len(scores)), [HEADINGS[s] for s in scores])
    axes.set_xlim(-0.15, len(scores) - 0.85)
    axes.set_ylabel("bits per byte")
    axes.ticklabel_format(axis="y", useOffset=False)
    if len(rows) > 18:
        axes.set_title(MORE.format(18, len(rows)), fontsize=10, loc="left")
    figure.legend(loc="outside right upper", fontsize=8)
    return figure
