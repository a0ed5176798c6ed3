"""Pictures with a line for every row or factor: training curves, effects of factors."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from golf.config.values import format_value
from golf.report.figures.rows import MORE, signed_axis
from golf.report.figures.style import Theme, colour, line, named, new_figure, zero_line
from golf.report.study import HEADINGS, Curve
from golf.report.table import Analysis
from golf.report.tables.factors import factor_rows

MOST_CURVES = 12
MOST_EFFECTS = 40
HIDDEN = 0.05  # share of a curve, at its start, that would squeeze the rest


def _curves(analysis: Analysis) -> list[tuple[str, list[Curve]]]:
    """Return the curves of every row that has some; rows that share a training appear once."""
    found: list[tuple[str, list[Curve]]] = []
    for row in analysis.table:
        seeds = analysis.values[row.row]
        curves = [c for s in seeds if (c := analysis.study.curve(row.row, s)) is not None]
        if curves and curves not in [c for _, c in found]:
            found.append((row.row, curves))
    return found


def draw_curves(analysis: Analysis, theme: Theme) -> Figure | None:
    """Draw training loss by steps and by seconds: the first seed of each row."""
    found = _curves(analysis)
    if not found:
        return None
    figure = new_figure(4.6)
    with_time = all(c.seconds for _, curves in found for c in curves)
    panels = figure.subplots(1, 2 if with_time else 1, squeeze=False, sharey=True)[0]
    for i, (name, curves) in enumerate(found[:MOST_CURVES]):
        curve = curves[0]
        for j, axes in enumerate(panels):
            x: Sequence[float] = curve.seconds if j else curve.steps
            label = None if j else named(name)
            axes.plot(x, curve.loss, color=colour(i), linestyle=line(i), lw=1.3, label=label)
    losses = sorted(v for _, curves in found for v in curves[0].loss)
    late = losses[: max(1, round(len(losses) * (1 - HIDDEN)))]
    panels[0].set_ylim(late[0] - 0.02 * (late[-1] - late[0]), late[-1])
    panels[0].set_ylabel("training loss, nats per token")
    for axes, label in zip(panels, ("steps", "seconds of training"), strict=False):
        axes.set_xlabel(label)
    if len(found) > MOST_CURVES:
        panels[0].set_title(MORE.format(MOST_CURVES, len(found)), fontsize=10, loc="left")
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    return figure


def draw_factors(analysis: Analysis, theme: Theme) -> Figure | None:
    """Draw what each value of each factor does before and after quantization."""
    lines = [
        (factor, row)
        for (factor, _), (_, *rows) in factor_rows(analysis).items()
        for row in rows
        if row.delta(analysis.main_score) is not None
    ][:MOST_EFFECTS]
    if not lines:
        return None
    figure = new_figure(1.4 + 0.32 * len(lines))
    axes = figure.subplots()
    zero_line(axes, theme)
    for i, score in enumerate(analysis.scores):
        places = [(y, v) for y, (_, r) in enumerate(lines) if (v := r.delta(score)) is not None]
        axes.plot(
            [v for _, v in places], [y for y, _ in places], "osD"[i], color=colour(i),
            label=HEADINGS[score], markersize=7, fillstyle="none" if i == 0 else "full",
        )  # fmt: skip
    names = [f"{f} {format_value(r.info.settings.get(f))}" for f, r in lines]
    axes.set_yticks(range(len(lines)), [named(n) for n in names])
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(FuncFormatter(signed_axis))
    axes.set_xlabel("Δ bits per byte against the row without the change (left is better)")
    figure.legend(loc="outside lower center", ncols=3)
    return figure
