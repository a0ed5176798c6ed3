"""The knobs: one frozen dataclass per subject, composed in ``RunConfig``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache, lru_cache
from operator import itemgetter
from typing import TypeVar, get_type_hints

from golf.config.knob import ON, UNSET, Knob, Stage, Value, Values, knob_table
from golf.config.schema.model import ModelConfig
from golf.config.schema.post import RuntimeConfig
from golf.config.schema.quant import QuantConfig
from golf.config.schema.scoring import EvalConfig, TTTConfig
from golf.config.schema.train import DataConfig, OptimConfig, TrainConfig
from golf.frozen import Frozen

Chosen = TypeVar("Chosen", bound=Frozen)


class RunConfig(Frozen):
    """Every knob there is."""

    model: ModelConfig
    data: DataConfig
    train: TrainConfig
    optim: OptimConfig
    quant: QuantConfig
    eval: EvalConfig
    ttt: TTTConfig
    runtime: RuntimeConfig


KNOBS: dict[str, Knob] = knob_table(RunConfig)


Needs = tuple[tuple[str, object], ...]  # other knobs, each with the values that they may have


def is_relevant(knob: Knob, values: Values) -> bool:
    """Say whether ``knob`` is read at all, given the values of the knobs that it needs."""
    return not knob.needs or _met(_all_needs(knob.name), values)


def _met(needs: Needs, values: Values) -> bool:
    for other, allowed in needs:
        value = values[other]
        if value not in allowed if isinstance(allowed, tuple) else value == KNOBS[other].off:
            return False
    return True


@cache
def _all_needs(name: str) -> Needs:
    """Return what a knob needs, and what that needs in turn."""
    direct = KNOBS[name].needs.items()
    return (*direct, *(need for other, _ in direct for need in _all_needs(other)))


def relevant(values: Values) -> dict[str, Value]:
    """Return the values that are read at all."""
    left_out = unread(values)
    return {n: values[n] for n in KNOBS if n not in left_out}


def unread(values: Values) -> frozenset[str]:
    """Return the knobs that nothing reads, given the values of the knobs that they need."""
    return _unread(_needed_values()(values))


@cache
def _needed_values() -> Callable[[Values], tuple[Value, ...]]:
    """Return what takes the values of all knobs that others need."""
    return itemgetter(*_needed())


@cache
def _needed() -> tuple[str, ...]:
    return tuple(dict.fromkeys(other for knob in KNOBS.values() for other in knob.needs))


@lru_cache(512)  # rows of a matrix have few different ones
def _unread(needed: tuple[Value, ...]) -> frozenset[str]:
    values = dict(zip(_needed(), needed, strict=True))
    unmet = (names for needs, names in _by_needs().items() if not _met(needs, values))
    return frozenset(name for names in unmet for name in names)


@cache
def _by_needs() -> dict[Needs, list[str]]:
    """Return the knobs that need the same."""
    found: dict[Needs, list[str]] = {}
    for name in KNOBS:
        found.setdefault(_all_needs(name), []).append(name)
    return found


def unmet_need(knob: Knob, values: Values) -> str | None:
    """Return the first needed knob that does not have a value under which ``knob`` is read."""
    for other, allowed in knob.needs.items():
        met = values[other] != KNOBS[other].off if allowed is ON else values[other] in allowed
        if not met or not is_relevant(KNOBS[other], values):
            return other
    return None


def spec_for(values: Values, *stages: Stage) -> dict[str, Value]:
    """Return the only values that ``stages`` may see: relevant knobs that are not off."""
    left_out = unread(values)
    return {
        name: value
        for name, off in _of_stages(stages)
        if name not in left_out and (value := values[name]) != off
    }


@cache
def _of_stages(stages: tuple[Stage, ...]) -> tuple[tuple[str, object], ...]:
    """Return the knobs that stages read, each with the value at which it is off."""
    return tuple((k.name, k.off) for k in KNOBS.values() if k.stage in stages)


def group_from(spec: Values, group: type[Chosen]) -> Chosen:
    """Build one group of settings from a node's spec.

    A knob that the spec leaves out was off (then it is off here too) or irrelevant (then
    nothing reads it). Knobs of other groups are ignored.
    """
    prefix = next(n for n, hint in get_type_hints(RunConfig).items() if hint is group) + "."
    chosen = {}
    for f in dataclasses.fields(group):
        knob = KNOBS[prefix + f.name]
        left_out = knob.default if knob.off is UNSET else knob.off
        value = spec.get(knob.name, left_out)
        chosen[f.name] = tuple(value) if isinstance(value, list) else value
    return group(**chosen)
