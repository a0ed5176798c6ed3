"""What an optimizer knows of the other processes of its job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class Team(Protocol):
    """Processes that hold the same weights and share the work on them."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    def gather(self, part: Tensor) -> Tensor:
        """Return the parts of all processes, one after the other along the first axis."""
        ...


@dataclass(frozen=True)
class Alone:
    """A team of one."""

    rank: int = 0
    size: int = 1

    def gather(self, part: Tensor) -> Tensor:
        return part
