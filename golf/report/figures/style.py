"""One look for all pictures: colours that the colour-blind tell apart, on light and on dark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golf.frozen import Frozen

WIDTH = 8.0  # inches: 800 pixels at 100 dots each
DPI = 150
LONGEST = 30  # characters of a row's name
# Okabe and Ito, 2008: distinct under the common colour blindnesses, and on white and near-black.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":")


class Theme(Frozen):
    """Colours of a page."""

    name: str
    page: str
    ink: str
    faint: str


THEMES = (
    Theme("light", "#ffffff", "#1f2328", "#d1d9e0"),
    Theme("dark", "#0d1117", "#e6edf3", "#3d444d"),
)


@contextmanager
def drawn_in(theme: Theme) -> Iterator[None]:
    """Draw in a theme's colours; the same numbers give the same bytes."""
    settings: Any = {
        "figure.facecolor": theme.page,
        "axes.facecolor": theme.page,
        "savefig.facecolor": theme.page,
        "text.color": theme.ink,
        "axes.labelcolor": theme.ink,
        "axes.edgecolor": theme.faint,
        "xtick.color": theme.ink,
        "ytick.color": theme.ink,
        "grid.color": theme.faint,
        "axes.grid": True,
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "text.parse_math": False,  # names may hold dollar signs
        "svg.hashsalt": "golf",
        "svg.fonttype": "path",
    }
    with mpl.rc_context(settings):
        yield


def new_figure(height: float) -> Figure:
    """Return a figure of the common width; labels push the axes in and are never clipped."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def named(text: str) -> str:
    """Return a row's name, on one line and short enough to print."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def colour(i: int) -> str:
    """Return the i-th colour, round and round."""
    return COLOURS[i % len(COLOURS)]


def marker(i: int) -> str:
    """Return the i-th marker; with the colour it tells as many rows apart as a picture holds."""
    return MARKERS[(i // len(COLOURS) + i) % len(MARKERS)]


def line(i: int) -> str:
    """Return the i-th dash pattern; it changes when the colours start over."""
    return LINES[(i // len(COLOURS)) % len(LINES)]


def zero_line(axes: Axes, theme: Theme) -> None:
    """Draw where nothing changes."""
    axes.axvline(0, color=theme.ink, linewidth=1)
