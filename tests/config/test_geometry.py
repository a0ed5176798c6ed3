"""Names of geometries."""

from __future__ import annotations

import pytest

from golf.config.geometry import Geometry, parse_geometry


@pytest.mark.parametrize(
    ("name", "stride", "by_document"),
    [
        ("chunked", None, False),
        ("sliding64", 64, False),
        ("documents", None, True),
        ("documents48", 48, True),
    ],
)
def test_a_name_says_how_windows_lie(name: str, stride: int | None, by_document: bool) -> None:
    geometry = parse_geometry(name)
    assert geometry == Geometry(stride, by_document)
    assert geometry.step(512) == (stride or 512)


@pytest.mark.parametrize("name", ["", "sliding", "sliding0", "sliding-1", "chunked4", "Chunked"])
def test_other_names_mean_nothing(name: str) -> None:
    assert parse_geometry(name) is None
