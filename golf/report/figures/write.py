"""All pictures of a study to files beside its report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from matplotlib.figure import Figure

from golf.files import renamed_into_place
from golf.frozen import Frozen
from golf.report.figures.lines import draw_curves, draw_factors
from golf.report.figures.rows import draw_bytes, draw_deltas, draw_stages
from golf.report.figures.style import DPI, THEMES, Theme, drawn_in
from golf.report.table import Analysis

Draw = Callable[[Analysis, Theme], Figure | None]
PICTURES: dict[str, tuple[str, Draw]] = {
    "deltas": ("Deltas with intervals", draw_deltas),
    "bytes": ("Bits per byte against artifact bytes", draw_bytes),
    "curves": ("Training curves by steps and by seconds", draw_curves),
    "stages": ("Before quantization, after it, after test-time training", draw_stages),
    "factors": ("What each value of each factor does", draw_factors),
}


class Picture(Frozen):
    """A picture that was written.

    Attributes:
        files: the PNG of each theme, by name of the theme; an SVG lies beside each.
    """

    title: str
    files: dict[str, Path]


def write_pictures(analysis: Analysis, folder: Path) -> Iterator[Picture]:
    """Write every picture that the study has numbers for, and yield it."""
    for name, (title, draw) in PICTURES.items():
        files = {}
        for theme in THEMES:
            with drawn_in(theme):
                figure = draw(analysis, theme)
                if figure is None:
                    break
                files[theme.name] = folder / f"{name}-{theme.name}.png"
                _save(figure, files[theme.name])
        if files:
            yield Picture(title, files)


def _save(figure: Figure, png: Path) -> None:
    with warnings.catch_warnings():
        # A name may hold signs that the font lacks: they become boxes, as on a page.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        for path, form, about in (
            (png, "png", {"Software": None}),
            (png.with_suffix(".svg"), "svg", {"Date": None}),
        ):
            with renamed_into_place(path) as temporary:
                figure.savefig(temporary, format=form, dpi=DPI, metadata=about)
