"""Settings that follow from other settings of their row: ``n_kv_head: = n_head / 2``.

They are evaluated on resolved values (a shape's open values filled in), one round after the
other until nothing changes, so that they may refer to each other in any order. A knob that a
formula reads of itself (``depth: = depth + 1``) has the value that it has without the formula's
layer: in a row that of its parent, in the baseline that of the preset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from golf.config.formula import Formula, FormulaError
from golf.config.knob import SHARE, Knob, Value, Values
from golf.config.matrix import Layer, Setting
from golf.config.profiles import rounded
from golf.config.schema import KNOBS
from golf.config.values import BadValueError, coerce
from golf.errors import Problem

Draft = dict[str, Value]


def formulas_of(layer: Layer) -> dict[str, Setting]:
    """Return the relative settings of ``layer``."""
    return {name: setting for name, setting in layer.items() if setting.formula}


def self_relative(layer: Layer) -> Layer:
    """Return the settings of ``layer`` that start from the value that they replace."""
    return {n: s for n, s in layer.items() if s.formula and n in s.formula.names}


def follows_profile(name: str, setting: Setting) -> bool:
    """Say whether a relative value is of the right size once the others have been scaled.

    It is when no profile scales the knob (unless it is a share of the budget, which a profile
    leaves as it is), or when the formula reads another knob that is scaled in
    the same way (``rope_dims: = head_dim / 4``). Otherwise its numbers carry the size
    (``model_dim: = depth * 64``, ``model_dim: = model_dim + 128``) and the profile scales the
    result.
    """
    assert setting.formula
    scale = KNOBS[name].scale
    if KNOBS[name].unit == SHARE:
        return False
    return scale is None or any(KNOBS[n].scale is scale for n in setting.formula.names - {name})


def relative_values(
    values: Values,
    settings: Mapping[str, Setting],
    resolve: Callable[[Draft], Draft],
    inherited: Values,
    rounding: bool = False,
) -> tuple[Draft, list[Problem]]:
    """Return the values of relative settings, and what is wrong with them.

    Args:
        values: every knob's value; what stands at the relative ones does not matter.
        settings: the relative ones.
        resolve: fills in open values.
        inherited: what a knob's own name means in its formula.
        rounding: make whole numbers of what a profile has scaled.
    """
    problems = _circles(settings)
    if problems or not settings:
        return {}, problems
    done, found = dict(values), Draft()
    for _ in range(len(settings) + 1):
        seen, problems = resolve(done), []
        for name, setting in settings.items():
            assert setting.formula
            own = {name: inherited[name]} if name in setting.formula.names else {}
            try:
                found[name] = _value(KNOBS[name], setting.formula, {**seen, **own}, rounding)
            except (BadValueError, FormulaError) as bad:
                problems.append(Problem(setting.where, bad.what, bad.hint))
        if all(done[name] == value for name, value in found.items()):
            break
        done.update(found)
    return found, problems


def _value(knob: Knob, formula: Formula, seen: Values, rounding: bool) -> Value:
    number = formula(seen)
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise BadValueError(f"{knob.name} wants {knob.type_name}, `{formula.text}` is {number!r}")
    if knob.kind is int and rounding:
        number = rounded(knob, number)
    if knob.kind is int and number == int(number):
        number = int(number)
    try:
        return coerce(knob, number)
    except BadValueError as bad:
        hint = (
            "// divides and rounds down" if knob.kind is int and "/" in formula.text else bad.hint
        )
        raise BadValueError(f"{bad.what} from `{formula.text}`", hint) from None


def _circles(settings: Mapping[str, Setting]) -> list[Problem]:
    """Report relative values that lead back to themselves by way of others."""
    reads = {name: s.formula.names - {name} if s.formula else () for name, s in settings.items()}
    found = []
    for name, setting in settings.items():
        reached: set[str] = set()
        ahead = [n for n in reads[name] if n in reads]
        while ahead:
            here = ahead.pop()
            if here not in reached:
                reached.add(here)
                ahead += [n for n in reads[here] if n in reads]
        if name in reached:
            what = f"{name} is relative to itself, by way of {', '.join(sorted(reads[name]))}"
            found.append(Problem(setting.where, what, "give one of them a number"))
    return found
