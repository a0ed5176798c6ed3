"""What is baked into a frozen script; ``golf.freeze.script`` fills it in."""

from __future__ import annotations

from typing import Any

LEFT_OUT: dict[str, Any] = {}  # values of the knobs that no spec holds
NODES: list[dict[str, Any]] = []  # specs of the row's nodes, inputs first
RECIPE: dict[str, Any] = {}  # of the dataset, for published shards
