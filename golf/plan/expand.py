"""A matrix to rows: every draft stacked, settled, checked, and told apart from the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from golf.config.formula import FormulaError
from golf.config.machine import Launch, Machine
from golf.config.matrix import (
    BASELINE,
    GENERATED,
    POINTS,
    Constraint,
    Exclusion,
    Layer,
    Matrix,
    RowDraft,
)
from golf.config.schema import KNOBS
from golf.errors import GolfError, Problem, fail, in_order
from golf.frozen import Frozen
from golf.plan.checks import (
    Fingerprints,
    Unread,
    dataset_problems,
    double_budgets,
    formula_problems,
    idle_problem,
    rule_problems,
)
from golf.plan.row import Dropped, Row, Rows, describe
from golf.plan.stack import BUDGET, RowMaker, Values, baseline_draft

MOST_CELLS = 50_000


class Scope(Frozen):
    """What is known when rows are checked.

    Attributes:
        late: rows whose base is not known yet: neither rules nor formulas are held against them.
        whole: whether these are all rows, so that what none of them reads is a mistake.
        root: the project, in which datasets have to be; None where nobody asks for them.
    """

    late: frozenset[str] = frozenset()
    whole: bool = True
    root: Path | None = None


def expand(
    matrix: Matrix,
    launch: Launch,
    machine: Machine,
    profile: str = "",
    overrides: Layer | None = None,
    scope: Scope | None = None,
) -> Rows:
    """Return the rows of ``matrix`` on this machine.

    Args:
        matrix: the checked file.
        launch: how jobs are started.
        machine: where.
        profile: replaces the file's.
        overrides: settings of the command line.
        scope: which rows there are, and what may be held against them.

    Raises:
        GolfError: rows that break a rule, cannot take effect, or equal another row, together
            with what could not be read of the file.
    """
    overrides, scope = overrides or {}, scope or Scope()
    maker = RowMaker(matrix, launch, machine, profile or matrix.profile, overrides)
    expansion = Expansion(maker, scope)
    rows = expansion.rows()
    if scope.whole and not matrix.problems:  # what was left out might have read the rest
        expansion.problems += expansion.unused_settings()
    problems = expansion.problems or (() if matrix.problems else expansion.equalities())
    if problems or matrix.problems:
        raise GolfError(*in_order([*matrix.problems, *problems]))
    dropped = tuple(Dropped(name, why) for name, why in expansion.dropped.items())
    dropped += tuple(Dropped(name, "it is given twice") for name in matrix.repeated)
    if base := matrix.baseline_about.name:
        rows = tuple(_with_base(row, base) for row in rows)
    return Rows(matrix, rows, launch, machine, maker.profile, overrides, dropped)


def _with_base(row: Row, base: str) -> Row:
    """Return the row with the baseline under the name that the file gives it."""
    name, parent = (base if n == BASELINE else n for n in (row.name, row.parent))
    return replace(row, name=name, parent=parent)


class Expansion:
    """Goes through the drafts once; afterwards ``problems`` and ``dropped`` tell what it met."""

    def __init__(self, maker: RowMaker, scope: Scope) -> None:
        self.maker, self.matrix, self.scope = maker, maker.matrix, scope
        self.prints = Fingerprints(self.matrix.drafts, self.matrix.seeds)
        self.unread = Unread({**self.matrix.baseline, **maker.overrides})
        self.idle_points: dict[str, Problem] = {}
        self.read_points: set[str] = set()
        self.unused = {e.where: e for e in self.matrix.exclude}
        self.problems: list[Problem] = []
        self.dropped: dict[str, str] = {}
        self.twins: list[tuple[RowDraft, str]] = []

    def rows(self) -> tuple[Row, ...]:
        """Return every row that is not dropped, the baseline first.

        Raises:
            GolfError: more cells than golf plans.
        """
        drafts = (baseline_draft(self.matrix), *self.matrix.drafts)
        found: list[Row] = []
        cells = 0
        for row in filter(None, map(self._row, drafts)):
            found.append(row)
            cells += len(row.seeds)
            if cells > MOST_CELLS:
                what = f"golf plans at most {MOST_CELLS:,} cells (rows x seeds), here are more"
                raise fail(what, "fewer seeds or rows, or several matrices", str(self.matrix.path))
        self._drop_copied_points()
        return tuple(row for row in found if row.name not in self.dropped)

    def _drop_copied_points(self) -> None:
        """Drop points that equal a row with a name, which was met after them."""
        points = {d.name for d in self.matrix.drafts if d.source in POINTS}
        named: dict[str, str] = {}
        twins, self.twins = self.twins, []
        for draft, twin in twins:
            above = {d.parent for d in self.maker.chain(draft)}
            if twin in named:
                self.twins.append((draft, named[twin]))
            elif twin not in points or draft.same_as or twin in above:
                self.twins.append((draft, twin))
            else:
                named[twin] = draft.name
                self.dropped[twin] = f"it is the same as {draft.name}"
        for draft in self.matrix.drafts if named else ():
            self.problems += self._on_dropped(draft)

    def unused_settings(self) -> list[Problem]:
        """Report settings and exclusions that no row has any use for."""
        found = [*self.unread.problems()]
        found += [p for w, p in self.idle_points.items() if w not in self.read_points]
        what = "this excludes nothing: no row of factors, grid or zip has these settings"
        found += [Problem(entry.where, what) for entry in self.unused.values()]
        if not any(draft.source in GENERATED for draft in self.matrix.drafts):
            what = "this rules nothing: there are no rows of factors, grid or zip"
            found += [Problem(rule.where, what, "drop it") for rule in self.matrix.where]
        return found

    def _row(self, draft: RowDraft) -> Row | None:
        if gone := self._on_dropped(draft):
            self.problems += gone
            return None
        settled, wrong = self._settle(draft)
        late = draft.name in self.scope.late
        found = double_budgets(draft.own) or self._own_budget(draft)
        found = found if found or late else formula_problems(draft, wrong)
        row = self.maker.row(draft, settled)
        if not found and draft.source in GENERATED and self._excluded(draft, row):
            return None
        self.unread.see(draft.name, settled)
        idle = self._idle(draft, settled)
        if idle and draft.source in POINTS:
            self.dropped[draft.name] = idle[0].what
            return None
        if not found and not late:
            found = self._broken(draft, row)
        if self.scope.root:
            found += dataset_problems(row, self.scope.root, draft.where)
        self.problems += found + idle
        twin = self.prints.twin(row)
        if twin and draft.source in POINTS:
            self.dropped[draft.name] = f"it is the same as {twin}"
            return None
        if twin and draft.source != "wave" and not late:
            self.twins.append((draft, twin))
        return row

    def _on_dropped(self, draft: RowDraft) -> list[Problem]:
        """Report a row that builds on one that is dropped."""
        gone = [d.parent for d in self.maker.chain(draft) if d.parent in self.dropped]
        what = f"row {draft.name!r} builds on {gone[0]!r}, which is dropped" if gone else ""
        return [Problem(draft.where, what, self.dropped[gone[0]])] if gone else []

    def _broken(self, draft: RowDraft, row: Row) -> list[Problem]:
        """Return the rules that a row breaks, under one budget or the other."""
        found, chain = [], self.maker.chain(draft)
        for one in (row, *row.also.values()):
            broken = self.maker.broken(one.values)
            found += rule_problems(broken, one, chain, draft.where, self.maker.processes_where)
        return found

    def _settle(self, draft: RowDraft) -> tuple[Values, list[Problem]]:
        """Return a row's values, and what its formulas lack under one budget or the other."""
        settled, wrong = self.maker.settle(draft)
        if self.matrix.second_budget:
            wrong += self.maker.settle(draft, self.matrix.second_budget)[1]
        return settled, wrong

    def _own_budget(self, draft: RowDraft) -> list[Problem]:
        """Report a row's own budget where every row runs under the same two."""
        if not self.matrix.second_budget or draft.name == BASELINE:
            return []
        what = "every row runs under both budgets of this matrix"
        given = [(n, s) for n, s in draft.own.items() if KNOBS[n].exclusive == BUDGET]
        return [Problem(s.where, f"{n} is set, but {what}", "drop it") for n, s in given]

    def _excluded(self, draft: RowDraft, row: Row) -> bool:
        """Drop a generated row that ``exclude`` or ``where`` rules out."""
        for entry in self.matrix.exclude:
            if all(row.values[n] == s.value for n, s in entry.layer.items()):
                self.unused.pop(entry.where, None)
                self.dropped[draft.name] = _because(f"exclude: {describe(entry.layer)}", entry)
        for constraint in self.matrix.where:
            if draft.name not in self.dropped and not self._meets(row, constraint):
                rule = f"where: {constraint.formula.text}"
                self.dropped[draft.name] = _because(rule, constraint)
        return draft.name in self.dropped

    def _meets(self, row: Row, constraint: Constraint) -> bool:
        try:
            met = constraint.formula(row.values)
        except FormulaError as error:
            self.problems.append(error.at(constraint.where))
            return True
        if not isinstance(met, bool):
            what = f"`{constraint.formula.text}` is {met!r}, neither true nor false"
            self.problems.append(Problem(constraint.where, what, "compare it, for example == 0"))
            return True
        return met

    def _idle(self, draft: RowDraft, settled: Values) -> list[Problem]:
        """Return what nothing reads in this row; a point's settings are remembered."""
        if draft.name == BASELINE:
            return []
        found = []
        for name, setting in draft.own.items():
            if not KNOBS[name].needs:
                continue
            problem = idle_problem(name, setting, draft.name, settled)
            if problem:
                found.append(problem)
            if draft.source in POINTS and problem:
                self.idle_points.setdefault(setting.where, problem)
            elif draft.source in POINTS:
                self.read_points.add(setting.where)
        return found

    def equalities(self) -> list[Problem]:
        """Report rows that resolve to the same work; such a factor changes nothing."""
        found = []
        twins = {draft.name: twin for draft, twin in self.twins}
        for draft in self.matrix.drafts:
            twin = twins.get(draft.name, "")
            if draft.same_as in self.dropped:
                what = f"row {draft.name!r} says same_as {draft.same_as!r}, which is dropped"
                found.append(Problem(draft.where, what, self.dropped[draft.same_as]))
            elif draft.same_as and not self.prints.same(draft.name, draft.same_as):
                what = f"row {draft.name!r} says same_as {draft.same_as!r}, but they differ"
                found.append(Problem(draft.where, what))
            elif twin and not draft.same_as:
                scaled = f" under profile {self.maker.profile}" if self.maker.profile else ""
                what = f"row {draft.name!r} is the same as row {twin!r}{scaled}: it changes nothing"
                hint = "drop it, or say `same_as:` if that is meant"
                found.append(Problem(draft.where, what, hint))
        return found


def _because(rule: str, entry: Constraint | Exclusion) -> str:
    return f"{rule} ({entry.reason})" if entry.reason else rule
