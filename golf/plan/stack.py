"""One row's layers of settings stacked into values.

Order of settings, later wins: field default, preset, baseline, parent rows, the row itself;
then the profile's scale rules on the result; then ``--set`` from the command line. Relative
values follow last, from what the others have become.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from golf.config.knob import UNSET, Knob, Value
from golf.config.machine import Launch, Machine, device_of
from golf.config.matrix import BASELINE, RIVALS, Layer, Matrix, RowDraft, Setting, put_layer
from golf.config.profiles import PROFILES
from golf.config.relative import follows_profile, formulas_of, relative_values, self_relative
from golf.config.resolve import filled
from golf.config.rules import broken_rules
from golf.config.schema import KNOBS
from golf.errors import Problem
from golf.plan.recall import Recalled
from golf.plan.row import Row

Values = dict[str, Value]

BUDGET = "budget"  # the exclusive group of which a training has one


def baseline_draft(matrix: Matrix) -> RowDraft:
    """Return the draft of the row that every other row starts from."""
    about = matrix.baseline_about
    return RowDraft(BASELINE, matrix.baseline, str(matrix.path), parent="", about=about)


@dataclass
class Stack:
    """Layers of settings put over each other.

    Attributes:
        values: every knob's value; a relative one stands at its default.
        formulas: the relative settings.
        inherited: the value that a formula means by its own knob's name, before the profile.
        inherited_scaled: the same under the profile.
    """

    values: Values
    formulas: dict[str, Setting] = field(default_factory=dict)
    inherited: Values = field(default_factory=dict)
    inherited_scaled: Values = field(default_factory=dict)

    def copy(self) -> Stack:
        return Stack(
            dict(self.values),
            dict(self.formulas),
            dict(self.inherited),
            dict(self.inherited_scaled),
        )

    def formulas_under(self, overrides: Layer) -> Layer:
        """Return the relative settings that count under ``overrides``."""
        settings = dict(self.formulas)
        put_layer(settings, overrides)
        return formulas_of(settings)


class RowMaker:
    """Makes rows out of drafts; what all of them start from is stacked once.

    Attributes:
        broken: gives the rules that a row's values break.
        processes_where: where the number of processes was set.
    """

    def __init__(
        self, matrix: Matrix, launch: Launch, machine: Machine, profile: str, overrides: Layer
    ) -> None:
        self.matrix = matrix
        self.drafts = {d.name: d for d in matrix.drafts}
        self.launch = launch
        self.device = device_of(launch, machine)
        self.profile = profile
        self.overrides = overrides
        ranks = launch.nproc_per_node
        as_written = ranks == matrix.launch.nproc_per_node and matrix.processes_where
        self.processes_where = as_written or str(matrix.path)
        self._filled = Recalled(lambda values: filled(values, self.device, ranks))
        self.broken = Recalled(lambda values: list(broken_rules(values, ranks)))

    @cached_property
    def shared(self) -> dict[str, Setting]:
        """The settings of preset and baseline."""
        settings: dict[str, Setting] = {}
        put_layer(settings, self.matrix.preset_layer)
        put_layer(settings, self.matrix.baseline)
        return settings

    @cached_property
    def fixed(self) -> Layer:
        """The settings of the command line that every row takes as they are."""
        moved = self_relative(self.overrides)
        return {n: s for n, s in self.overrides.items() if n not in moved}

    @cached_property
    def start(self) -> Stack:
        """The baseline before profile, overrides and formulas."""
        values = {n: k.default for n, k in KNOBS.items()}
        values["train.seed"] = self.matrix.seeds[0]
        stack = Stack(values)
        below = self.matrix.baseline_layers or (self.matrix.baseline,)
        for layer in (self.matrix.preset_layer, *below):
            self._lay(stack, layer)
        return stack

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
        stack = self.start.copy()
        for layer in (*self._layers(draft), budget or {}):
            self._lay(stack, layer)
        self._inherit(stack, self.overrides)
        if self.profile:
            return self._scaled(stack, self.overrides)
        return self._plain(stack, self.overrides)

    def _layers(self, draft: RowDraft) -> Iterator[Layer]:
        """Yield what lies over the baseline, the lowest layer first."""
        for below in reversed(self.chain(draft)):
            yield from below.layers

    def _lay(self, stack: Stack, layer: Layer) -> None:
        """Put ``layer`` over ``stack``."""
        self._inherit(stack, layer)
        _put(stack.values, layer)
        put_layer(stack.formulas, layer)
        stack.formulas = formulas_of(stack.formulas)

    def _inherit(self, stack: Stack, layer: Layer) -> None:
        """Note the values that settings of ``layer`` start from: those without the layer."""
        moved = self_relative(layer)
        if not moved:
            return
        plain = self._known(self._plain(stack, self.fixed)[0], moved)
        stack.inherited |= plain
        scaled = self._known(self._scaled(stack, self.fixed)[0], moved) if self.profile else plain
        stack.inherited_scaled |= scaled

    def _known(self, settled: Values, names: Iterable[str]) -> Values:
        """Return values as they are resolved; as set where another knob has taken them in."""
        seen = self.resolved(settled)
        return {n: settled[n] if seen[n] is None else seen[n] for n in names}

    def _plain(self, stack: Stack, overrides: Layer) -> tuple[Values, list[Problem]]:
        """Return the values of ``stack`` under ``overrides``, and what its formulas lack."""
        values = dict(stack.values)
        _put(values, overrides)
        formulas = stack.formulas_under(overrides)
        found, wrong = relative_values(values, formulas, self.resolved, stack.inherited)
        values.update(found)
        return values, wrong

    def _scaled(self, stack: Stack, overrides: Layer) -> tuple[Values, list[Problem]]:
        """Apply the profile between the relative values that it scales and those that follow."""
        formulas = stack.formulas_under(overrides)
        late = {n: s for n, s in formulas.items() if n in overrides or follows_profile(n, s)}
        found, wrong = self._plain(stack, overrides)
        early = {n: s for n, s in formulas.items() if n not in late}
        values = {**stack.values, **{n: found[n] for n in early}}
        values = PROFILES[self.profile].apply(values)
        _put(values, overrides)
        inherited = stack.inherited_scaled
        found, more = relative_values(values, late, self.resolved, inherited, rounding=True)
        places = {s.where for s in early.values()}
        return {**values, **found}, [p for p in wrong if p.where in places] + more

    def resolved(self, values: Values) -> Values:
        return {**values, **self._filled(values)}

    def row(self, draft: RowDraft, settled: Values) -> Row:
        """Return the row of a draft whose values are settled."""
        is_base = draft.name == BASELINE
        row = Row(
            name=draft.name,
            parent="" if is_base else draft.parent,
            values=self.resolved(settled),
            layers=(self.shared, *self._layers(draft), self.overrides),
            own={} if is_base else draft.own,
            about=draft.about,
            seeds=draft.seeds or self.matrix.seeds,
            has_heads=settled["model.n_head"] is not None,
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
