"""What a row or a matrix says about itself; none of it changes any work."""

from __future__ import annotations

from dataclasses import field

from golf.frozen import Frozen

PRIORITIES = ("high", "medium", "low")


class Expectation(Frozen):
    """What was believed before the run.

    Attributes:
        delta: signed difference to the parent in bits per byte; None when none was named.
        outcome: a belief in words, such as "if it wins, prefer wider shapes".
    """

    delta: float | None = None
    outcome: str = ""

    def __bool__(self) -> bool:
        return self.delta is not None or bool(self.outcome)


class About(Frozen):
    """Words beside the settings.

    Attributes:
        note: printed under the table.
        why: the reason for the row, as told before the run.
        expect: what was believed before the run; reports set it beside what happened.
        priority: ``high``, ``medium``, ``low`` or "".
        tags: any labels.
        name: what the baseline row is called ("" for ``baseline``).
    """

    note: str = ""
    why: str = ""
    expect: Expectation = field(default_factory=Expectation)
    priority: str = ""
    tags: tuple[str, ...] = ()
    name: str = ""

    def over(self, below: About) -> About:
        """Return these words, and those of ``below`` where there are none."""
        return About(**{n: getattr(self, n) or getattr(below, n) for n in vars(self)})
