"""Stands in for ``golf.stages.code_bytes`` in a frozen script."""

from __future__ import annotations

import sys
from pathlib import Path


def code_bytes(*_: object) -> int:
    """Return the size of this very script."""
    return Path(sys.argv[0]).stat().st_size
