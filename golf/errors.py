"""What a user got wrong: where it stands, what is wrong, what to do about it.

Every mistake a user can make ends as one ``GolfError``. The command line prints it
without a traceback and exits with code 2; anything else that escapes is a bug of ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Problem(NamedTuple):
    """One finding.

    Attributes:
        where: ``file:line:column``, a folder, or "" when there is no place to point at.
        what: what is wrong, with the value that was found.
        hint: the next step; "" when the finding says it all.
    """

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return head + (f"\n  {self.hint}" if self.hint else "")


class GolfError(Exception):
    """A mistake of the user's; carries every problem found, not only the first."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


def fail(what: str, hint: str = "", where: str = "") -> GolfError:
    """Return a ``GolfError`` with a single problem, ready to be raised."""
    return GolfError(Problem(where, what, hint))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems as a reader of the file meets them; what was said before is left out."""
    first: dict[tuple[str, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.where, problem.what), problem)
    return sorted(first.values(), key=_place)


def _place(problem: Problem) -> tuple[str, int, int]:
    file, _, rest = problem.where.rpartition(":")
    file, _, line = file.rpartition(":")
    if line.isdigit() and rest.isdigit():
        return file, int(line), int(rest)
    return problem.where, 0, 0


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """Return ``did you mean 'a' or 'b'?`` for the closest options, or ""."""
    import difflib  # noqa: PLC0415 (start-up: needed for mistakes alone)

    by_lower = {option.lower(): option for option in options}
    close = difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)
    if not close:
        return ""
    return "did you mean " + " or ".join(repr(by_lower[name]) for name in close) + "?"
