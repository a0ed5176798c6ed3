"""What is baked into a frozen script; ``golf.freeze.script`` fills it in."""

from __future__ import annotations

from typing import Any

LEFT_OUT: dict[str, Any] = {}  # values of the knobs that neither training nor quantization holds
NODES: list[dict[str, Any]] = []  # specs of the training and the quantization
SCORINGS: list[dict[str, Any]] = []  # specs of what scores the artifact
RECIPE: dict[str, Any] = {}  # of the dataset, for published shards
