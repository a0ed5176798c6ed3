"""The ways to cut validation text into windows, by name."""

from __future__ import annotations

import re

from golf.frozen import Frozen

NAME = re.compile(r"(chunked)|(sliding|documents)([1-9][0-9]{0,17})|(documents)")
KINDS = "chunked, slidingN, documents and documentsN (N: stride in tokens)"


class Geometry(Frozen):
    """How windows lie.

    Attributes:
        stride: targets that a window scores, all but the first of a text; None for windows
            that do not overlap.
        by_document: whether windows stay inside documents.
    """

    stride: int | None
    by_document: bool

    def step(self, length: int) -> int:
        """Return the tokens by which windows of ``length`` advance."""
        return self.stride or length


def geometry_problem(name: str, length: int) -> str:
    """Return why windows of ``length`` tokens cannot lie so; "" where they can."""
    geometry = parse_geometry(name)
    if geometry is None:
        return f"unknown geometry {name!r}; there are {KINDS}"
    if geometry.step(length) > length:
        return f"the stride of {name} is more than a window of {length} tokens"
    return ""


def parse_geometry(name: str) -> Geometry | None:
    """Return the geometry called ``name``, or None when there is none."""
    found = NAME.fullmatch(name)
    if found is None:
        return None
    return Geometry(int(found[3]) if found[3] else None, name.startswith("documents"))


def with_stride(name: str, factor: float) -> str:
    """Return the name of the geometry whose stride is ``factor`` times that of ``name``."""
    geometry = parse_geometry(name)
    if geometry is None or geometry.stride is None:
        return name
    return f"{name.rstrip('0123456789')}{max(1, round(geometry.stride * factor))}"
