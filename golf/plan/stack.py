"""One row's layers of settings stacked into values.

Order of settings, later wins: field default, preset, baseline, parent rows, the row itself;
then the profile's scale rules on the result; then ``--set`` from the command line. Relative
values follow last, from what the others have become.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from golf.config.knob import UNSET, Knob, Value
from golf.config.machine import Launch, Machine, device_of
from golf.config.matrix import BASELINE, RIVALS, Layer, Matrix, RowDraft, Setting, put_layer
from golf.config.profiles import PROFILES
from golf.config.relative import follows_profile, formulas_of, relative_values
from golf.config.resolve import resolve
from golf.config.schema import KNOBS
from golf.errors import Problem
from golf.plan.row import Row

Values = dict[str, Value]

BUDGET = "budget"  # the exclusive group of which a training has one


def baseline_draft(matrix: Matrix) -> RowDraft:
    """Return the draft of the row that every other row starts from."""
    about = matrix.baseline_about
    return RowDraft(BASELINE, matrix.baseline, str(matrix.path), parent="", about=about)


class RowMaker:
    """Makes rows out of drafts; what all of them start from is stacked once."""

    def __init__(
        self, matrix: Matrix, launch: Launch, machine: Machine, profile: str, overrides: Layer
    ) -> None:
        self.matrix = matrix
        self.drafts = {d.name: d for d in matrix.drafts}
        self.launch = launch
        self.device = device_of(launch, machine)
        self.profile = profile
        self.overrides = overrides

    @cached_property
    def shared(self) -> dict[str, Setting]:
        """The settings of preset and baseline."""
        settings: dict[str, Setting] = {}
        put_layer(settings, self.matrix.preset_layer)
        put_layer(settings, self.matrix.baseline)
        return settings

    @cached_property
    def start(self) -> Values:
        """The values of the baseline before profile, overrides and formulas."""
        values = {n: k.default for n, k in KNOBS.items()}
        values["train.seed"] = self.matrix.seeds[0]
        _put(values, self.shared)
        return values

    @cached_property
    def shared_formulas(self) -> dict[str, Setting]:
        return formulas_of(self.shared)

    def chain(self, draft: RowDraft) -> list[RowDraft]:
        """Return a row and those it builds on, the nearest first, without the baseline."""
        chain = [draft] if draft.name != BASELINE else []
        while chain and chain[-1].parent != BASELINE:
            chain.append(self.drafts[chain[-1].parent])
        return chain

    def settle(self, draft: RowDraft, budget: Layer | None = None) -> tuple[Values, list[Problem]]:
        """Return a row's values before open ones are filled in, and what its formulas lack.

        Args:
            draft: the row.
            budget: takes the place of the row's budget.
        """
        values = dict(self.start)
        formulas = dict(self.shared_formulas)
        for layer in (*(d.own for d in reversed(self.chain(draft))), budget or {}):
            _put(values, layer)
            put_layer(formulas, layer)
        put_layer(formulas, self.overrides)
        formulas = formulas_of(formulas)
        if self.profile:
            return self._scaled(values, formulas)
        _put(values, self.overrides)
        found, wrong = relative_values(values, formulas, self.resolved)
        values.update(found)
        return values, wrong

    def _scaled(self, values: Values, formulas: dict[str, Setting]) -> tuple[Values, list[Problem]]:
        """Apply the profile between the relative values that it scales and those that follow."""
        early = {
            n: s
            for n, s in formulas.items()
            if n not in self.overrides and not follows_profile(n, s)
        }
        full = dict(values)
        _put(full, self.overrides)
        found, wrong = relative_values(full, formulas, self.resolved)
        places = {s.where for s in early.values()}
        values.update({n: v for n, v in found.items() if n in early})
        values = PROFILES[self.profile].apply(values)
        _put(values, self.overrides)
        late = {n: s for n, s in formulas.items() if n not in early}
        found, more = relative_values(values, late, self.resolved, rounding=True)
        return {**values, **found}, [p for p in wrong if p.where in places] + more

    def resolved(self, values: Values) -> Values:
        return resolve(values, self.device, self.launch.nproc_per_node)

    def row(self, draft: RowDraft, settled: Values) -> Row:
        """Return the row of a draft whose values are settled."""
        is_base = draft.name == BASELINE
        row = Row(
            name=draft.name,
            parent="" if is_base else draft.parent,
            values=self.resolved(settled),
            layers=(self.shared, *(d.own for d in reversed(self.chain(draft))), self.overrides),
            own={} if is_base else draft.own,
            about=draft.about,
            seeds=draft.seeds or self.matrix.seeds,
            data_seed_follows=settled["train.data_seed"] is None,
        )
        second = self.matrix.second_budget
        if not second or any(KNOBS[name].exclusive == BUDGET for name in self.overrides):
            return row
        values = self.resolved(self.settle(draft, second)[0])
        budget = next(iter(second.values())).written
        return replace(row, also={budget: replace(row, values=values)})


def _put(values: Values, layer: Mapping[str, Setting]) -> None:
    """Set ``layer`` in ``values``; one knob of an exclusive group clears the others that can be.

    A relative setting stands at its knob's default until it is evaluated.
    """
    for name in layer:
        for rival in RIVALS.get(name, ()):
            values[rival] = _cleared(KNOBS[rival], values[rival])
    for name, setting in layer.items():
        values[name] = KNOBS[name].default if setting.formula else setting.value


def _cleared(knob: Knob, value: Value) -> Value:
    """Return the value at which ``knob`` does nothing; ``value`` where it has none."""
    if knob.off is UNSET:
        return None if knob.optional else value
    return knob.off
