"""Pictures: complete, unclipped, legible on both pages, and safe for the colour-blind."""

from __future__ import annotations

import io
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from golf.report.figures.style import COLOURS, DPI, THEMES, WIDTH, drawn_in
from golf.report.figures.write import PICTURES, write_pictures
from golf.report.study import Curve, Study
from golf.report.table import Analysis, analyze
from tests.report.made import row, study

HOSTILE = "<script>alert('$x_1$')</script> | `rm` *" + "long " * 20 + "名前"
ROPE = {"model.rope_dims": 32}
BASE = {"model.rope_dims": 16, "quant.bits": 8}


def scored(shift: float, seeds: int = 3) -> dict[int, tuple[float, ...]]:
    return {
        s: tuple(1.08 + shift + 0.01 * k + 0.001 * s * s for k in range(3)) for s in range(seeds)
    }


def full() -> Study:
    steps = [1.0, 2.0, 3.0]
    return study(
        row("base", scored(0), base=BASE, artifact_bytes=15_900_000),
        row(
            HOSTILE, scored(-0.02), "base", {"model.rope_dims": 32}, BASE, artifact_bytes=16_100_000
        ),
        row("int4", scored(0.03, 1), "base", {"quant.bits": 4}, BASE, artifact_bytes=12_000_000),
        curve=lambda r, s: Curve(steps, [9.0, 4.0 + len(r) / 100, 3.0], steps, steps),
    )


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyze(full())


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_is_clipped_at_any_edge(name: str, analysis: Analysis) -> None:
    with drawn_in(THEMES[0]):
        figure = PICTURES[name][1](analysis, THEMES[0])
        assert figure is not None
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        box = figure.get_tightbbox(canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= width
    assert box.y1 <= height
    assert box.width > 0.8 * width


def test_every_picture_is_written_for_both_pages_and_as_png_and_svg(
    analysis: Analysis, tmp_path: Path
) -> None:
    written = list(write_pictures(analysis, tmp_path))
    assert len(written) == len(PICTURES)
    for picture in written:
        assert set(picture.files) == {"light", "dark"}
        for theme in THEMES:
            image = imread(picture.files[theme.name])
            assert image.shape[1] == WIDTH * DPI
            assert image[0, 0, :3] == pytest.approx(to_rgb(theme.page), abs=1e-2)
            assert image.std() > 0.05
            svg = picture.files[theme.name].with_suffix(".svg").read_text()
            assert svg.startswith("<?xml")
            assert "<script" not in svg


def test_the_same_numbers_give_the_same_bytes(analysis: Analysis) -> None:
    pages = []
    for _ in range(2):
        with drawn_in(THEMES[0]):
            figure = PICTURES["deltas"][1](analysis, THEMES[0])
            assert figure is not None
            pages.append(io.BytesIO())
            figure.savefig(pages[-1], format="svg", metadata={"Date": None})
    assert pages[0].getvalue() == pages[1].getvalue()


def test_a_study_without_numbers_has_no_pictures(tmp_path: Path) -> None:
    empty = analyze(study(row("a", (None, None)), row("b", (None, None), "a")))
    assert list(write_pictures(empty, tmp_path)) == []


# Machado, Oliveira and Fernandes, 2009: severity 1.0, on linear RGB.
BLINDNESS = {
    "protan": "0.152286 1.052583 -0.204868 0.114503 0.786281 0.099216 -0.003882 -0.048116 1.051998",
    "deutan": "0.367322 0.860646 -0.227968 0.280085 0.672501 0.047413 -0.011820 0.042940 0.968881",
    "tritan": "1.255528 -0.076749 -0.178779 -0.078411 0.930809 0.147602 0.004733 0.691367 0.303900",
}


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_stay_apart_under_colour_blindness(kind: str) -> None:
    matrix = np.array(BLINDNESS[kind].split(), float).reshape(3, 3)
    seen = [np.clip(matrix @ linear(c), 0, 1) ** (1 / 2.2) for c in COLOURS]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.1


@pytest.mark.parametrize("theme", THEMES, ids=lambda t: t.name)
def test_ink_and_marks_stand_out_from_the_page(theme: object) -> None:
    def luminance(colour: str) -> float:
        return float(linear(colour) @ [0.2126, 0.7152, 0.0722])

    def contrast(a: str, b: str) -> float:
        dark, light = sorted((luminance(a), luminance(b)))
        return (light + 0.05) / (dark + 0.05)

    assert contrast(theme.ink, theme.page) > 7
    assert min(contrast(c, theme.page) for c in COLOURS) > 2
