"""What a plan will take, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from golf.frozen import Frozen

Counts = Mapping[str, Mapping[str, Any]]  # parameters, flops_per_token and tensors, by row


class Estimate(Frozen):
    """Predicted seconds of pending nodes.

    Attributes:
        rows: seconds of each row's nodes that no row before it needs; None where unknown.
        total: seconds of them all, one job after the other; None where one is unknown.
        slots: jobs that run at a time, if there are as many.
        seen: finished nodes that this is told from.
        nodes: seconds of each pending node, by key, where they are known.
    """

    rows: Mapping[str, float | None]
    total: float | None
    slots: int
    seen: int
    nodes: Mapping[str, float] = field(default_factory=dict)

    @property
    def hours(self) -> float | None:
        """Hours until all is done, jobs side by side; start-up of processes is left out."""
        return None if self.total is None else self.total / self.slots / 3600
