"""Rows that wait for results: who is known, who wins, who goes on.

The stages of a matrix are a pure function of its file and of the results under ``runs/``: they
are worked out anew each time, so that a run can be interrupted anywhere. Winners become parents:
a row that waits for a winner is a draft whose parent is filled in once it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from golf.config.matrix import BASELINE, RIVALS, Layer, Matrix, RowDraft, Wave, WinnerRule
from golf.plan.cells import CellMaker, Place
from golf.plan.checks import rule_problems
from golf.plan.graph import Cell, Plan
from golf.plan.jury import Jury, foreign_outcome, measure_of, scores_of
from golf.plan.outcome import Outcome, Waiting
from golf.plan.row import Dropped, Row
from golf.plan.sequential import Ruling, look, sharing
from golf.plan.stack import RowMaker, baseline_draft
from golf.plan.winner import Gain, Scores, stacked
from golf.records import RunPaths
from golf.statistics.noise import Noise

Ask = Callable[[Path, str], Plan]  # a matrix file and the place that names it


class Staging:
    """Goes through the waves as far as results allow.

    Attributes:
        dropped: rows that cannot be built on the winner that they waited for.
        known: the drafts of rows that are known, with the parents that were found for them.
        waiting: the others.
        outcomes: what was decided on the way.
        rulings: what the rule for seeds says of each row that follows it.
        before: plans of other matrices that have to be finished first.
    """

    def __init__(self, matrix: Matrix, maker: RowMaker, place: Place, ask: Ask) -> None:
        self.matrix, self.maker, self.ask = matrix, maker, ask
        self.paths = RunPaths(place.root)
        start = baseline_draft(matrix)
        first = matrix.seeds[: matrix.seed_rule.least] if matrix.seed_rule else ()
        self.known: dict[str, RowDraft] = {BASELINE: replace(start, seeds=first)}
        self.own_seeds = {d.name for d in matrix.drafts if d.seeds}
        self.members: dict[str, Sequence[str]] = {}  # a finished wave's rows
        self.bases: dict[str, str] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.rulings: dict[str, Ruling] = {}
        self.dropped: list[Dropped] = []
        self.waiting: list[Waiting] = []
        self.before: list[Plan] = []
        self.cell_maker = CellMaker(place)
        self.cells: dict[tuple[str, int], Cell] = {}
        maker.drafts = self.known

    def go(self) -> None:
        """Admit every row that can be known now."""
        in_waves = {name for wave in self.matrix.waves for name in wave.rows}
        late = [d for d in self.matrix.drafts if d.name not in in_waves]
        late = self._admit_free(late)
        for wave in self.matrix.waves:
            self._wave(wave)
            late = self._admit_free(late)
        self.waiting += [Waiting((d.name,), f"row {d.parent}") for d in late]

    def _admit_free(self, drafts: list[RowDraft]) -> list[RowDraft]:
        """Admit drafts whose parents are known; return the others."""
        before = set(self.known)
        while ready := [d for d in drafts if d.parent in self.known]:
            self.known |= {d.name: d for d in ready}
            drafts = [d for d in drafts if d.name not in self.known]
        self._settle([name for name in self.known if name not in before])
        return drafts

    def _settle(self, names: Sequence[str]) -> bool:
        """Give rows as many seeds as the matrix's rule asks for; say whether that is all."""
        rule = self.matrix.seed_rule
        parents = {n: self.known[n].parent for n in names if n not in self.own_seeds}
        if rule is None or not parents:
            return True
        by = measure_of(self, [self.row(name) for name in (*parents, *parents.values())])

        def scores(name: str, number: int) -> Scores | None:
            row, seeds = self.row(name), self.matrix.seeds[:number]
            found = scores_of(self, replace(row, seeds=seeds), by)
            return found if len(found) == len(seeds) else None

        looks = look(parents, scores, rule, sharing(self.matrix))
        self.rulings |= looks.rulings(parents, by, rule)
        for name, number in looks.seeds.items():
            self._give_seeds(self._line(name), number)
        if looks.open:
            number = max(looks.seeds.values())
            reason = f"seed {number + 1}, should {number} not tell"
            self.waiting.append(Waiting(looks.open, reason))
        return not looks.open

    def _give_seeds(self, line: Sequence[str], number: int) -> None:
        """Give a row, and those that it builds on, at least so many seeds."""
        for name in line:
            if name not in self.own_seeds and len(self.known[name].seeds) < number:
                seeds = self.matrix.seeds[:number]
                self.known[name] = replace(self.known[name], seeds=seeds)

    def _wave(self, wave: Wave) -> None:
        if wave.combine:
            self._combine(wave)
            return
        base = self._base(wave)
        if base is None:
            self.waiting.append(Waiting(wave.rows, _winner_of(wave)))
            return
        self.bases[wave.name] = base
        drafts = {d.name: d for d in self.matrix.drafts if d.name in wave.rows}
        drafts = {n: drafts[n] for n in wave.rows if n in drafts}
        if wave.greedy:
            self._greedy(wave, list(drafts.values()), base)
            return
        for name, draft in drafts.items():
            moved = draft.parent == BASELINE and base != BASELINE
            self.known[name] = replace(draft, parent=base, source="wave") if moved else draft
        for name in drafts:
            self._drop_unfit(name)
        kept = tuple(name for name in drafts if name in self.known)
        members = (self.row(name) for name in (base, *kept))
        Jury(self, wave.rule, wave.where).require(wave.rule.by, members)
        if self._settle(kept):
            self.members[wave.name] = kept

    def _drop_unfit(self, name: str) -> None:
        """Take a row out that cannot be built on the winner; the other rows go on."""
        draft = self.known[name]
        gone = {point.name for point in self.dropped}
        if draft.parent in gone:
            self.dropped.append(Dropped(name, f"it builds on {draft.parent}"))
            del self.known[name]
            return
        settled, wrong = self.maker.settle(draft)
        row, chain = self.maker.row(draft, settled), self.maker.chain(draft)
        broken = wrong or rule_problems(self.maker.broken(row.values), row, chain, draft.where)
        if broken:
            self.dropped.append(Dropped(name, f"on {draft.parent}: {broken[0].what}"))
            del self.known[name]

    def _base(self, wave: Wave) -> str | None:
        """Return the row that a wave's rows start from; None while it is not known."""
        if not wave.winner_of:
            return BASELINE
        if wave.winner_of.endswith((".yaml", ".yml")):
            return self._foreign(wave)
        outcome = self._outcome(wave.winner_of, wave)
        return outcome.winner if outcome else None

    def _outcome(self, name: str, asker: Wave) -> Outcome | None:
        """Return how a wave ended, None while it has not."""
        if name in self.outcomes:
            return self.outcomes[name]
        if name not in self.members:
            return None
        wave = next(w for w in self.matrix.waves if w.name == name)
        rule = _joined(wave.rule, asker.rule)
        outcome = Jury(self, rule, asker.where).outcome(name, self.bases[name], self.members[name])
        if outcome:
            self.outcomes[name] = outcome
        return outcome

    def _greedy(self, wave: Wave, drafts: list[RowDraft], base: str) -> None:
        """Let each row start from the best so far."""
        gains: list[Gain] = []
        noise: Noise | None = None
        winner, by = base, ""
        for i, draft in enumerate(drafts):
            self.known[draft.name] = replace(draft, parent=winner, source="wave")
            jury = Jury(self, wave.rule, wave.where)
            seen = [base, *(d.name for d in drafts[: i + 1])]
            settled = self._settle((draft.name,))
            judged = jury.verdict(draft.name, winner, seen, len(drafts)) if settled else None
            if judged is None:
                left = tuple(d.name for d in drafts[i + 1 :])
                self.waiting += [Waiting(left, f"row {draft.name}")] if left else []
                return
            gain, noise, by = judged
            gains.append(gain)
            winner = draft.name if gain.wins else winner
        self.members[wave.name] = tuple(d.name for d in drafts)
        self.outcomes[wave.name] = Outcome(wave.name, by, base, winner, tuple(gains), noise)

    def _combine(self, wave: Wave) -> None:
        """Stack the winners of earlier waves into one row."""
        found = [self._outcome(name, wave) for name in wave.combine]
        if not all(found):
            open_waves = [n for n, o in zip(wave.combine, found, strict=True) if o is None]
            self.waiting.append(Waiting((wave.name,), f"the winners of wave {open_waves[0]}"))
            return
        gains = [gain for outcome in found if outcome for gain in outcome.gains]
        bases = [self.bases[name] for name in wave.combine]
        base = next((b for b in reversed(bases) if b != BASELINE), BASELINE)
        own = {gain.row: self._layers(gain.row) for gain in gains}
        taken = {
            n: frozenset().union(*layers, *(RIVALS.get(k, ()) for layer in layers for k in layer))
            for n, layers in own.items()
        }
        chosen = stacked(gains, taken)
        below = self._line(base)
        chosen = [name for name in chosen if name not in below]
        layers = tuple(layer for name in chosen for layer in own[name])
        words = f"stacks {', '.join(chosen)}" if chosen else "no row won, so that the base stands"
        about = wave.about if wave.about.note else replace(wave.about, note=words)
        self.known[wave.name] = RowDraft.stack(wave.name, layers, wave.where, base, about)
        self._settle((wave.name,))
        self.bases[wave.name], self.members[wave.name] = base, (wave.name,)

    def _line(self, name: str) -> list[str]:
        """Return a known row and those it builds on."""
        line = [name]
        while line[-1] != BASELINE:
            line.append(self.known[line[-1]].parent)
        return line

    def _layers(self, name: str) -> tuple[Layer, ...]:
        """Return what a row sets, over what the rows set that it names as parents."""
        written = {d.name: d for d in self.matrix.drafts}
        if name not in written:
            return self.known[name].layers
        layers: tuple[Layer, ...] = ()
        while name in written:
            layers = (*written[name].layers, *layers)
            name = written[name].parent
        return layers

    def _foreign(self, wave: Wave) -> str | None:
        """Return the row that stands for another matrix's winner; None while it is not known."""
        path = self.matrix.path.parent / wave.winner_of
        plan = self.ask(path, wave.where)
        outcome = foreign_outcome(plan, wave)
        if outcome is None:
            asked = {other.rows.matrix.path for other in self.before}
            self.before += [] if plan.rows.matrix.path in asked else [plan]
            return None
        self.outcomes.setdefault(wave.winner_of, replace(outcome, source=wave.winner_of))
        if outcome.winner == outcome.base:
            return BASELINE
        row = next(r for r in plan.rows.rows if r.name == outcome.winner)
        name = f"{path.stem}/{row.name}"
        about = replace(row.about, note=f"the winner of {wave.winner_of}")
        self.known[name] = RowDraft.stack(name, row.layers[1:-1], wave.where, BASELINE, about)
        self._settle((name,))
        return name

    def drafts(self) -> tuple[RowDraft, ...]:
        """Return the known rows in the order of the file, later bases before what needs them."""
        order: list[str] = []
        for name in (d.name for d in self.matrix.drafts if d.name in self.known):
            parent = self.known[name].parent
            order += [n for n in (parent, name) if n not in order and n != BASELINE]
        order += [name for name in self.known if name not in order and name != BASELINE]
        return tuple(self.known[name] for name in order)

    def with_seeds(self, row: Row) -> Row:
        """Return a row with the seeds that it was given."""
        name = row.name if row.parent else BASELINE
        return replace(row, seeds=self.known[name].seeds or row.seeds)

    def row(self, name: str) -> Row:
        """Return a known row."""
        draft = self.known[name]
        return self.maker.row(draft, self.maker.settle(draft)[0])

    def cell(self, row: Row, seed: int) -> Cell:
        key = (row.name, seed)
        if key not in self.cells:
            (self.cells[key],) = self.cell_maker.cells(row, [seed])
        return self.cells[key]


def _joined(inner: WinnerRule, outer: WinnerRule) -> WinnerRule:
    """Return a wave's own rule, with what it leaves open taken from whoever asks."""
    margin = outer.margin if inner.margin is None else inner.margin
    return WinnerRule(inner.by or outer.by, margin)


def _winner_of(wave: Wave) -> str:
    is_file = wave.winner_of.endswith((".yaml", ".yml"))
    return f"the winner of {'' if is_file else 'wave '}{wave.winner_of}"
