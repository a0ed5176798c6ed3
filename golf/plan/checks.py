"""What can be wrong with a row: broken rules, settings that nothing reads, equal rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path

from golf.config.datasets import find_dataset
from golf.config.knob import Stage, Value
from golf.config.matrix import RIVALS, SHIPPED, Layer, RowDraft, Setting
from golf.config.model_rules import SHAPES
from golf.config.resolve import FILLERS
from golf.config.rules import PROCESSES, Broken
from golf.config.schema import KNOBS, unmet_need, unread
from golf.config.values import format_value
from golf.errors import GolfError, Problem
from golf.plan.row import Row

MEASURED = (Stage.TRAIN, Stage.QUANTIZE, Stage.EVALUATE, Stage.TTT)

Values = Mapping[str, Value]


def rule_problems(
    broken: Iterable[Broken], row: Row, chain: list[RowDraft], place: str, processes: str = ""
) -> list[Problem]:
    """Return the rules that a row breaks, each at the nearest setting that it is about.

    Args:
        broken: the rules.
        row: the row.
        chain: it and those that it builds on.
        place: stands for settings that nobody wrote.
        processes: where the number of processes is set.
    """
    found = []
    for message, names in _told(broken, row.has_heads):
        nearest = (d.own[n].where for d in chain for n in names if n in d.own)
        origins = [row.origins[n] for n in names if n in row.origins]
        origins.sort(key=lambda where: where.startswith(SHIPPED))
        shared = [processes] if processes and PROCESSES in names else origins
        where = next(nearest, next(iter(shared), place))
        found.append(Problem(where, message, f"in row {row.name!r}"))
    return found


def _told(broken: Iterable[Broken], has_heads: bool) -> Iterator[Broken]:
    """Yield what to tell of broken rules: of those about the shape of heads the first alone."""
    unset = "model.head_dim" if has_heads else "model.n_head"
    shapes = 0
    for message, names in broken:
        about_heads = names in SHAPES
        if about_heads and names[0] == unset:
            continue
        shapes += about_heads
        if not about_heads or shapes == 1:
            yield message, names


def dataset_problems(row: Row, root: Path, place: str) -> list[Problem]:
    """Return why a row's dataset is not in the project, where the row was given it."""
    name, vocab_size = row.values["data.dataset"], row.values["data.vocab_size"]
    assert isinstance(name, str)
    assert isinstance(vocab_size, int)
    try:
        find_dataset(name, vocab_size, root)
    except GolfError as error:
        where = row.origins.get("data.dataset", place)
        return [p._replace(where=where) for p in error.problems]
    return []


def formula_problems(draft: RowDraft, wrong: list[Problem]) -> list[Problem]:
    """Say of relative values without a value in which row that is."""
    return [p._replace(hint=p.hint or f"in row {draft.name!r}") for p in wrong]


def idle_problem(name: str, setting: Setting, row: str, settled: Values) -> Problem | None:
    """Return the problem of a setting that nothing reads in this row."""
    needed = unmet_need(KNOBS[name], settled)
    if needed is None:
        return None
    allowed = KNOBS[name].needs.get(needed)
    what = f"{name} changes nothing while {needed} is {format_value(settled[needed])}"
    wanted = " or ".join(map(format_value, allowed)) if isinstance(allowed, tuple) else "a value"
    hint = f"set {needed} to {wanted} in row {row!r}, or drop {setting.written}"
    return Problem(setting.where, what, hint)


def double_budgets(layer: Layer) -> list[Problem]:
    """Report two settings of one exclusive group."""
    groups: dict[str, str] = {}
    found = []
    for name, setting in layer.items():
        group = KNOBS[name].exclusive
        given = setting.value is not None or setting.formula
        if group and given and groups.setdefault(group, name) != name:
            what = f"{name} and {groups[group]} both set the {group}"
            found.append(Problem(setting.where, what, "keep one of them"))
    return found


class Unread:
    """Settings for all rows that no row has read so far."""

    def __init__(self, layer: Layer) -> None:
        self.left = {n: s for n, s in layer.items() if KNOBS[n].needs}
        self.first: dict[str, Problem] = {}

    def see(self, row: str, settled: Values) -> None:
        """Strike out what this row reads."""
        for name, setting in list(self.left.items()):
            problem = idle_problem(name, setting, row, settled)
            if problem is None:
                del self.left[name]
            else:
                self.first.setdefault(name, problem)

    def problems(self) -> Iterator[Problem]:
        yield from (self.first[name] for name in self.left if name in self.first)


class Fingerprints:
    """Tells rows apart by the work they mean, looking only at what can differ between them."""

    def __init__(self, drafts: Iterable[RowDraft], seeds: tuple[int, ...]) -> None:
        names = {n for d in drafts for n in d.own} | FILLERS.keys() | {"train.micro_tokens"}
        names |= {rival for n in names for rival in RIVALS.get(n, ())}
        left = [k for k in KNOBS.values() if k.name not in names]
        while more := [k for k in left if names & k.needs.keys()]:
            names |= {k.name for k in more}
            left = [k for k in left if k not in more]
        live = [k for k in KNOBS.values() if k.stage in MEASURED and k.name in names]
        live = [k for k in live if k.name not in ("train.seed", "train.data_seed")]
        self.live = [k.name for k in live]
        self.seen_by: dict[frozenset[str], Callable[[Values], object]] = {}
        self.followed = seeds[0] if len(seeds) == 1 else "each seed"
        self.first_with: dict[object, str] = {}
        self.by_row: dict[str, object] = {}

    def twin(self, row: Row) -> str:
        """Return the first row that means the same work ("" for none), and remember this one."""
        self.by_row[row.name] = found = self._print(row)
        first = self.first_with.setdefault(found, row.name)
        return "" if first == row.name else first

    def same(self, row: str, other: str) -> bool:
        return self.by_row[row] == self.by_row[other]

    def _print(self, row: Row) -> object:
        left_out = unread(row.values)
        if left_out not in self.seen_by:
            self.seen_by[left_out] = itemgetter(*(n for n in self.live if n not in left_out))
        data_seed = self.followed if row.data_seed_follows else row.values["train.data_seed"]
        shuffled = None if "train.data_seed" in left_out else data_seed
        return left_out, self.seen_by[left_out](row.values), shuffled
