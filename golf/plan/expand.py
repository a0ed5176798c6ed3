"""A matrix to rows: layers of settings stacked, open values filled in, every row checked.

Order of settings, later wins: field default, preset, baseline, parent rows, the row itself;
then the profile's scale rules on the result; then ``--set`` from the command line. Relative
values follow last, from what the others have become.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from golf.config.about import About
from golf.config.knob import UNSET, Stage, Value
from golf.config.machine import Launch, Machine, device_of
from golf.config.matrix import BASELINE, Layer, Matrix, RowDraft, Setting
from golf.config.profiles import PROFILES
from golf.config.relative import follows_profile, formulas_of, relative_values
from golf.config.resolve import resolve
from golf.config.rules import broken_rules
from golf.config.schema import KNOBS, spec_for, unmet_need
from golf.config.values import format_value
from golf.errors import GolfError, Problem

MEASURED = (Stage.TRAIN, Stage.QUANTIZE, Stage.EVALUATE, Stage.TTT)


@dataclass(frozen=True)
class Row:
    """One line of the table, with every value settled.

    Attributes:
        change: what the row says it changes, in the user's own words.
        parent: the row that deltas are taken against; "" for the baseline itself.
        values: every knob's resolved value, for the first seed.
        origins: where each value was set; knobs at their default are absent.
        seeds: the row runs once for each.
        data_seed_follows: whether the order of the data has the seed of the weights.
    """

    name: str
    change: str
    parent: str
    values: Mapping[str, Value]
    origins: Mapping[str, str] = field(default_factory=dict)
    about: About = field(default_factory=About)
    seeds: tuple[int, ...] = ()
    data_seed_follows: bool = True

    @property
    def note(self) -> str:
        return self.about.note

    def seeded(self, seed: int) -> dict[str, Value]:
        """Return the values with another seed; the data seed follows unless it was set."""
        data_seed = seed if self.data_seed_follows else self.values["train.data_seed"]
        return {**self.values, "train.seed": seed, "train.data_seed": data_seed}


@dataclass(frozen=True)
class Rows:
    """The checked rows of a matrix, the baseline first, with what they share."""

    matrix: Matrix
    rows: tuple[Row, ...]
    launch: Launch
    machine: Machine
    profile: str = ""
    overrides: Layer = field(default_factory=dict)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed that a row has, those of the matrix first."""
        return tuple(dict.fromkeys([*self.matrix.seeds, *(s for r in self.rows for s in r.seeds)]))


def expand(
    matrix: Matrix,
    launch: Launch,
    machine: Machine,
    profile: str = "",
    overrides: Layer | None = None,
) -> Rows:
    """Return the rows of ``matrix`` on this machine.

    Raises:
        GolfError: rows that break a rule, cannot take effect, or equal another row; all at once.
    """
    profile, overrides = profile or matrix.profile, overrides or {}
    maker = _RowMaker(matrix, launch, machine, profile, overrides)
    about = matrix.baseline_about
    baseline = RowDraft(BASELINE, matrix.baseline, str(matrix.path), parent="", about=about)
    drafts = (baseline, *matrix.drafts)
    rows = tuple(maker.row(d) for d in drafts)
    problems = [p for d, r in zip(drafts, rows, strict=True) for p in maker.problems(d, r)]
    problems += maker.idle_everywhere({**matrix.baseline, **overrides})
    problems = problems or _equal_rows(drafts, rows, matrix.seeds, profile)
    if problems:
        first: dict[tuple[str, str], Problem] = {}
        for problem in problems:
            first.setdefault((problem.where, problem.what), problem)
        raise GolfError(*first.values())
    return Rows(matrix, rows, launch, machine, profile, overrides)


class _RowMaker:
    """Stacks the layers of one row after the other."""

    def __init__(
        self, matrix: Matrix, launch: Launch, machine: Machine, profile: str, overrides: Layer
    ) -> None:
        self.matrix = matrix
        self.drafts = {d.name: d for d in matrix.drafts}
        self.launch = launch
        self.device = device_of(launch, machine)
        self.profile = profile
        self.overrides = overrides
        self.written: dict[str, dict[str, Value]] = {}
        self.wrong: dict[str, list[Problem]] = {}

    def row(self, draft: RowDraft) -> Row:
        settings = self.stack(draft)
        values = {n: k.default for n, k in KNOBS.items()}
        values["train.seed"] = self.matrix.seeds[0]
        values, wrong = self.settle(values, settings)
        hint = f"in row {draft.name!r}"
        self.wrong[draft.name] = [replace(p, hint=p.hint or hint) for p in wrong]
        self.written[draft.name] = values
        is_base = draft.name == BASELINE
        return Row(
            name=draft.name,
            change="" if is_base else describe(draft.own),
            parent="" if is_base else draft.parent,
            values=self.resolved(values),
            origins={n: s.where for n, s in {**settings, **self.overrides}.items()},
            about=draft.about,
            seeds=draft.seeds or self.matrix.seeds,
            data_seed_follows=values["train.data_seed"] is None,
        )

    def resolved(self, values: dict[str, Value]) -> dict[str, Value]:
        return resolve(values, self.device, self.launch.nproc_per_node)

    def settle(
        self, values: dict[str, Value], settings: Layer
    ) -> tuple[dict[str, Value], list[Problem]]:
        """Stack settings, profile, overrides and relative values on the defaults."""
        late = formulas_of({**settings, **self.overrides})
        wrong: list[Problem] = []
        _put(values, settings)
        if self.profile:
            early = {
                n: s
                for n, s in late.items()
                if n not in self.overrides and not follows_profile(n, s)
            }
            full = dict(values)
            _put(full, self.overrides)
            found, wrong = relative_values(full, late, self.resolved)
            wrong = [p for p in wrong if p.where in {s.where for s in early.values()}]
            values.update({n: v for n, v in found.items() if n in early})
            values = PROFILES[self.profile].apply(values)
            late = {n: s for n, s in late.items() if n not in early}
        _put(values, self.overrides)
        found, more = relative_values(values, late, self.resolved, bool(self.profile))
        return {**values, **found}, wrong + more

    def chain(self, draft: RowDraft) -> list[RowDraft]:
        """Return a row and those it builds on, the nearest first, without the baseline."""
        chain = [draft] if draft.name != BASELINE else []
        while chain and chain[-1].parent != BASELINE:
            chain.append(self.drafts[chain[-1].parent])
        return chain

    def stack(self, draft: RowDraft) -> dict[str, Setting]:
        rows = [d.own for d in reversed(self.chain(draft))]
        layers = [self.matrix.preset_layer, self.matrix.baseline, *rows]
        settings: dict[str, Setting] = {}
        for layer in layers:
            for name in [n for n in settings if _excluded(n, layer)]:
                del settings[name]
            settings.update(layer)
        return settings

    def problems(self, draft: RowDraft, row: Row) -> list[Problem]:
        found = _double_budgets(draft.own) + self.wrong[draft.name]
        if self.wrong[draft.name]:
            return found
        chain = self.chain(draft)
        for message, names in broken_rules(dict(row.values), self.launch.nproc_per_node):
            nearest = (d.own[n].where for d in chain for n in names if n in d.own)
            origins = (row.origins[n] for n in names if n in row.origins)
            where = next(nearest, next(origins, draft.where))
            found.append(Problem(where, message, f"in row {draft.name!r}"))
        if draft.name != BASELINE:
            found += [p for n, s in draft.own.items() if (p := self.idle(n, s, draft.name))]
        return found

    def idle(self, name: str, setting: Setting, row: str) -> Problem | None:
        """Return the problem of a setting that nothing reads in this row."""
        values = self.written[row]
        needed = unmet_need(KNOBS[name], values)
        if needed is None:
            return None
        allowed = KNOBS[name].needs.get(needed)
        what = f"{name} changes nothing while {needed} is {format_value(values[needed])}"
        wanted = (
            " or ".join(map(format_value, allowed)) if isinstance(allowed, tuple) else "a value"
        )
        hint = f"set {needed} to {wanted} in row {row!r}, or drop {setting.written}"
        return Problem(setting.where, what, hint)

    def idle_everywhere(self, layer: Layer) -> list[Problem]:
        """Report settings for all rows that not one row reads."""
        found = []
        for name, setting in layer.items():
            idle = [self.idle(name, setting, row) for row in self.written]
            found += [idle[0]] if idle[0] and all(idle) else []
        return found


def _put(values: dict[str, Value], layer: Layer) -> None:
    """Set ``layer`` in ``values``; one knob of an exclusive group clears the others.

    A relative setting stands at its knob's default until it is evaluated.
    """
    for name in layer:
        for other in values:
            group = KNOBS[name].exclusive
            if group and KNOBS[other].exclusive == group:
                values[other] = _cleared(other, values[other])
    values.update({n: KNOBS[n].default if s.formula else s.value for n, s in layer.items()})


def _cleared(name: str, value: Value) -> Value:
    """Return what a knob falls to when another of its group is set: its off value, or null.

    A knob that has neither keeps its value; what was set in its place is read first.
    """
    knob = KNOBS[name]
    if knob.off is not UNSET:
        return knob.off
    return None if knob.optional else value


def _excluded(name: str, layer: Layer) -> bool:
    group = KNOBS[name].exclusive
    return bool(group) and any(KNOBS[n].exclusive == group for n in layer)


def _double_budgets(layer: Layer) -> list[Problem]:
    groups: dict[str, str] = {}
    found = []
    for name, setting in layer.items():
        group = KNOBS[name].exclusive
        if group and setting.value is not None and groups.setdefault(group, name) != name:
            what = f"{name} and {groups[group]} are both set; a training has one {group}"
            found.append(Problem(setting.where, what, "keep one of them"))
    return found


def _equal_rows(
    drafts: tuple[RowDraft, ...], rows: tuple[Row, ...], seeds: tuple[int, ...], profile: str
) -> list[Problem]:
    """Report rows that resolve to the same work; such a factor changes nothing."""
    found = []
    work = {r.name: [spec_for(r.seeded(s), *MEASURED) for s in seeds] for r in rows}
    for i, draft in enumerate(drafts):
        twins = [r.name for r in rows[:i] if work[r.name] == work[draft.name]]
        if draft.same_as and work[draft.same_as] != work[draft.name]:
            what = f"row {draft.name!r} says same_as {draft.same_as!r}, but they differ"
            found.append(Problem(draft.where, what))
        elif twins and not draft.same_as:
            scaled = f" under profile {profile}" if profile else ""
            what = f"row {draft.name!r} is the same as row {twins[0]!r}{scaled}: it changes nothing"
            hint = "drop it, or say `same_as:` if that is meant"
            found.append(Problem(draft.where, what, hint))
    return found


def describe(own: Layer) -> str:
    """Return a row's settings as the user wrote them."""
    return ", ".join(f"{s.written} {s.text}" for s in own.values())
