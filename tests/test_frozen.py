"""Frozen classes against the standard dataclass of the same fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from golf.frozen import Frozen


class Mine(Frozen):
    a: int
    b: str = "b"
    c: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Standard:
    a: int
    b: str = "b"
    c: dict[str, int] = dataclasses.field(default_factory=dict)


class Child(Mine):
    d: float = 0.5


GOOD: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((1,), {}),
    ((1, "x"), {}),
    ((1, "x", {"k": 2}), {}),
    ((), {"a": 1}),
    ((1,), {"c": {"k": 3}}),
)
BAD: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((), {}),
    ((), {"b": "x"}),
    ((1, "x", {}, 4), {}),
    ((1,), {"a": 1}),
    ((1,), {"d": 1}),
    ((), {"d": 1}),
    ((), {"b": "x", "d": 1}),
)


@pytest.mark.parametrize("given", GOOD, ids=str)
def test_it_holds_what_a_standard_dataclass_holds(given: Any) -> None:
    mine, standard = Mine(*given[0], **given[1]), Standard(*given[0], **given[1])
    assert dataclasses.asdict(mine) == dataclasses.asdict(standard)
    assert repr(mine).partition("(")[2] == repr(standard).partition("(")[2]
    assert mine == Mine(*given[0], **given[1])
    assert mine != standard


@pytest.mark.parametrize("given", BAD, ids=str)
def test_it_refuses_what_a_standard_dataclass_refuses(given: Any) -> None:
    for kind in (Mine, Standard):
        with pytest.raises(TypeError):
            kind(*given[0], **given[1])


def test_each_instance_gets_a_default_of_its_own() -> None:
    first, second = Mine(1), Mine(1)
    first.c["k"] = 1
    assert second.c == {}


@pytest.mark.parametrize(
    "change",
    [lambda x: setattr(x, "a", 2), lambda x: setattr(x, "new", 2), lambda x: delattr(x, "a")],
)
def test_it_stays_as_it_was_made(change: Callable[[Mine], None]) -> None:
    mine = Mine(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        change(mine)
    assert mine == Mine(1)


def test_replaced_and_hashed_like_the_standard_one() -> None:
    assert dataclasses.replace(Mine(1), b="x") == Mine(1, "x")
    assert len({Child(1, c=()), Child(1, c=()), Child(2, c=())}) == 2  # type: ignore[arg-type]
    assert [f.name for f in dataclasses.fields(Child)] == ["a", "b", "c", "d"]
    assert Child(1) != Mine(1)
