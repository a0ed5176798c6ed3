"""Steps of a walk that can only be taken in order, found again by taking it again.

Loaders whose next draw depends on all draws before keep no state in checkpoints: a resumed
run repeats the draws, which takes milliseconds a step and reads no tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Replay(Generic[Item]):
    """Item number n of an endless, deterministic walk.

    Args:
        walk: returns the walk, from its start.
    """

    _item: Item

    def __init__(self, walk: Callable[[], Iterator[Item]]) -> None:
        self._walk = walk
        self._items, self._at = walk(), -1

    def at(self, step: int) -> Item:
        """Return item ``step``, from 0; an earlier one than the last walks from the start."""
        if step < self._at:
            self._items, self._at = self._walk(), -1
        while self._at < step:
            self._item = next(self._items)
            self._at += 1
        return self._item
