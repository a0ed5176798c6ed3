"""The code's share of the artifact: the size of the script that ``golf freeze`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from golf.freeze.script import freeze


def code_bytes(training: Mapping[str, Any], quantizing: Mapping[str, Any]) -> int:
    """Return the bytes of the script that trains, quantizes and scores a row of these specs.

    What the row is scored by is not known here; a script has as much room for it in any case.
    """
    return len(freeze(training, quantizing, ()))
