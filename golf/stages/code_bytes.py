"""The code's share of the artifact: the size of the script that ``golf freeze`` writes."""

from __future__ import annotations

from typing import Any

from golf.freeze.script import freeze
from golf.stages.context import Context

SCORING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("evaluate", "chunked", {"eval.geometry": "chunked"}),
)


def code_bytes(context: Context) -> int:
    """Return the bytes of the script that trains, quantizes and scores this row.

    What the row is scored by besides is not known here; it adds its settings, some dozen bytes.
    """
    return len(freeze(context.training, context.node.spec, SCORING))
