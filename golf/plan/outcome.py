"""What was decided between waves, and what still waits: as data and in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from golf.frozen import Frozen
from golf.plan.winner import LEVEL, Gain
from golf.statistics.noise import Noise


class Waiting(Frozen):
    """Rows that are not known yet, and what they wait for."""

    rows: tuple[str, ...]
    reason: str


class Outcome(Frozen):
    """How a wave, or another matrix, ended.

    Attributes:
        source: the wave's name or the matrix file.
        by: the measure that decided: ``pre``, ``post`` or ``ttt``.
        base: the row that was to be beaten.
        winner: the row that later rows start from: the base when no row beat it.
        gains: every row against its base.
        noise: of one score, pooled over all these rows; None without replicates.
    """

    source: str
    by: str
    base: str
    winner: str
    gains: tuple[Gain, ...]
    noise: Noise | None

    @property
    def rule(self) -> str:
        """The rule in words."""
        margins = {g.margin for g in self.gains}
        margin = max(margins, default=0.0)
        beyond = f"a gain in {self.by} above {margin:g}" if margin else f"a gain in {self.by}"
        if self.noise is None:
            return f"{beyond}; no replicates, so that nothing is known about the noise"
        return (
            f"{beyond}, beyond noise of {self.noise.std:.5f} ({self.noise.df} degrees of "
            f"freedom), one-sided t at {LEVEL:g} over {len(self.gains)} rows (Bonferroni)"
        )

    def lines(self) -> Iterator[str]:
        """Yield the outcome, the rule and each row's gain."""
        head = f"wave {self.source}" if not self.source.endswith((".yaml", ".yml")) else self.source
        won = f"{self.winner} wins" if self.winner != self.base else f"{self.base} stands"
        yield f"{head}: {won} ({self.rule})"
        for found in self.gains:
            verdict = "wins" if found.wins else "over the limit" if not found.fits else "no"
            yield (
                f"  {found.row}: {found.gain:+.5f} against {found.base} over {found.n} seeds, "
                f"needs {found.needed:.5f}: {verdict}"
            )

    def with_base(self, old: str, new: str) -> Outcome:
        """Return the outcome with a base row under another name."""
        gains = tuple(replace(g, base=new if g.base == old else g.base) for g in self.gains)
        base, winner = (new if name == old else name for name in (self.base, self.winner))
        return replace(self, base=base, winner=winner, gains=gains)

    def record(self) -> dict[str, Any]:
        """Return what is written down about it."""
        return {**dataclasses.asdict(self), "rule": self.rule}
