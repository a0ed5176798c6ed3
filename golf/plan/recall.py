"""Answers about a row that need not be worked out again: those that follow from the same values.

The rows of a matrix differ in a few of their two hundred values, and most of what is asked about
a row reads none of these few.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, Generic, TypeVar

from golf.config.knob import Value

Answer = TypeVar("Answer")


class Watched(UserDict[str, Value]):
    """Values that note which of them are read, by name or one after the other."""

    def __init__(self, values: Mapping[str, Value], read: set[str] | None = None) -> None:
        self.data = dict(values)
        self.read = set() if read is None else read

    def __getitem__(self, name: str) -> Value:
        self.read.add(name)
        return self.data[name]

    def copy(self) -> Watched:
        return Watched(self.data, self.read)


class Recalled(Generic[Answer]):
    """A function of a row's values that gives its first answer wherever that must come out again.

    The first call notes which values are read. While these are the same, nothing else can matter.

    Args:
        ask: the function; it reads what it is given and nothing else that changes.
    """

    def __init__(self, ask: Callable[[Any], Answer]) -> None:
        self.ask = ask
        self.first: tuple[Callable[[Any], Any], Any, Answer] | None = None

    def __call__(self, values: Mapping[str, Value]) -> Answer:
        if self.first is None:
            watched = Watched(values)
            answer = self.ask(watched)
            taken: Callable[[Any], Any] = itemgetter(*watched.read)
            self.first = taken, taken(values), answer
        taken, known, answer = self.first
        return answer if taken(values) == known else self.ask(values)
