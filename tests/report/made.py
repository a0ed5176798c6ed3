"""Studies made by hand, for tests that ask what a report says about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from golf.report.study import Study, StudyRow


def row(
    name: str,
    scores: Mapping[int, Sequence[float | None]] | Sequence[float | None],
    parent: str = "",
    own: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
    **about: Any,
) -> tuple[StudyRow, list[dict[str, Any]]]:
    """Return a row and its lines; scores are (pre, post, ttt), of seed 1 or by seed.

    Args:
        about: words of the row (``why``, ``expect``), or values of every line.
    """
    words = {k: about.pop(k) for k in ("change", "note", "why", "expect") if k in about}
    by_seed = scores if isinstance(scores, Mapping) else {1: scores}
    lines = [
        {
            "row": name,
            "seed": seed,
            "complete": True,
            **dict(zip(("pre_bpb", "post_bpb", "ttt_bpb"), values, strict=False)),
            **about,
        }
        for seed, values in by_seed.items()
    ]
    settings = {**(base or {}), **(own or {})}
    return StudyRow(name, parent=parent, settings=settings, own=own or {}, **words), lines


def study(*rows: tuple[StudyRow, list[dict[str, Any]]], **about: Any) -> Study:
    lines = [line for _, made in rows for line in made]
    return Study("made", tuple(info for info, _ in rows), tuple(lines), **about)
