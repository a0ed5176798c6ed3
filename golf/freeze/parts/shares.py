"""Stands in for ``golf.quant.shares`` in a frozen script, which predicts nothing."""

from __future__ import annotations


def bytes_by_kind(*_: object) -> dict[str, dict[str, float]]:
    """Return no shares."""
    return {}
