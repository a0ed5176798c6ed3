"""Frozen dataclasses that share their methods.

``dataclasses.dataclass`` writes and compiles six methods for every class that it decorates, about
a millisecond a class: with sixty classes that took longer than all the rest of a start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, ClassVar, dataclass_transform


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Frozen:
    """Base of classes whose annotations are their fields; ``dataclasses.replace`` and others work.

    Raises:
        TypeError: a value for no field, or a field without a value.
        FrozenInstanceError: a field is set or deleted later.
    """

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]
    _names: ClassVar[tuple[str, ...]]
    _fields: ClassVar[frozenset[str]]
    _defaults: ClassVar[Mapping[str, Any]]
    _factories: ClassVar[Mapping[str, Callable[[], Any]]]

    def __init_subclass__(cls) -> None:
        dataclass(init=False, repr=False, eq=False)(cls)
        declared = fields(cls)
        cls._names = tuple(f.name for f in declared)
        cls._fields = frozenset(cls._names)
        cls._defaults = {f.name: f.default for f in declared if f.default is not MISSING}
        cls._factories = {
            f.name: f.default_factory for f in declared if f.default_factory is not MISSING
        }

    def __init__(self, *values: Any, **named: Any) -> None:
        names, mine = self._names, vars(self)
        if len(values) == len(names) and not named:
            mine.update(zip(names, values, strict=True))
            return
        mine.update(self._defaults)
        mine.update(zip(names, values, strict=False))
        mine.update(named)
        for name, make in self._factories.items():
            if name not in mine:
                mine[name] = make()
        once = not values or named.keys().isdisjoint(names[: len(values)])
        if len(mine) != len(names) or not once or not named.keys() <= self._fields:
            raise TypeError(f"{type(self).__name__} takes {', '.join(names)}, once each")
        if len(values) > len(names):
            raise TypeError(f"{type(self).__name__} takes {len(names)} values")

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        shown = zip(self._names, self._values(), strict=True)
        return f"{type(self).__qualname__}({', '.join(f'{n}={v!r}' for n, v in shown)})"

    def _values(self) -> tuple[Any, ...]:
        mine = vars(self)
        return tuple([mine[name] for name in self._names])
