"""Stands in for ``golf.stages.environment`` in a frozen script."""

from __future__ import annotations


def device_name(world: object) -> str:
    """Return nothing: utilisation is not reported."""
    return ""
