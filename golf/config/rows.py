"""How a matrix file says its rows: factors one at a time, and rows with a name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from golf.config.about import PRIORITIES, About, Expectation
from golf.config.knob import Knob
from golf.config.matrix import BASELINE, GENERATED, POINTS, Layer, RowDraft, Setting
from golf.config.nodes import Items, Node, Scalar, Table
from golf.config.reader import Reader
from golf.errors import Problem, did_you_mean

ABOUT_WORDS = ("note", "why", "expect", "priority", "tags")
ROW_WORDS = ("parent", "same_as", "seeds", *ABOUT_WORDS)


class RowReader(Reader):
    """Reads the sections that make rows.

    Attributes:
        unsound: rows that something is wrong with.
        repeated: points that a grid or zip makes once more.
    """

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        super().__init__(path, problems)
        self.unsound: set[str] = set()
        self.repeated: list[str] = []

    def factors(self, node: Node) -> tuple[RowDraft, ...]:
        """One row per value, against the baseline."""
        drafts: list[RowDraft] = []
        if not isinstance(node, Table):
            self.add(node.where, "expected factor names, each with a list of values")
            return ()
        for key, values in node.entries:
            knob, settings = self.axis(key, values)
            written: set[str] = set()
            for setting in settings if knob else ():
                assert knob
                if setting.text in written:
                    what = f"{key.value} lists {setting.text} twice"
                    self.add(setting.where, what, "drop one")
                    continue
                written.add(setting.text)
                name = f"{key.value}={setting.text.removeprefix('= ')}"
                drafts.append(RowDraft(name, {knob.name: setting}, setting.where, source="factors"))
        return tuple(drafts)

    def axis(self, key: Scalar, values: Node) -> tuple[Knob | None, list[Setting]]:
        """Read one factor with its list of values."""
        knob = self.knob(key, by_row=True)
        items = values.items if isinstance(values, Items) else (values,)
        if not items:
            self.add(values.where, f"factor {key.value!r} has no values", "list at least one")
        found = [self.setting(knob, key, item) for item in items] if knob else []
        return knob, [s for s in found if s]

    def rows(self, node: Node) -> tuple[RowDraft, ...]:
        """Named rows: any knobs, with the row words beside them."""
        drafts: list[RowDraft] = []
        if not isinstance(node, Table):
            self.add(node.where, "expected row names, each with its settings")
            return ()
        for key, body in node.entries:
            before = len(self.problems)
            empty = isinstance(body, Scalar) and body.value is None
            if not isinstance(body, Table) and not empty:
                self.add(body.where, f"row {key.value!r} wants settings, such as {{depth: 6}}")
            if not key.value:
                self.add(key.where, "a row needs a name")
            words, own, about = self.row_body(body, ROW_WORDS)
            layer = self.settings(own, by_row=True)
            if len(self.problems) > before:
                self.unsound.add(str(key.value))
            drafts.append(RowDraft(str(key.value), layer, key.where, about=about, **words))
        return tuple(drafts)

    def baseline(self, node: Node) -> tuple[Layer, About]:
        """Values that every row starts from, with words about the baseline row."""
        _, own, about = self.row_body(node, (*ABOUT_WORDS, "name"))
        return self.settings(own), about

    def row_body(self, body: Node, allowed: tuple[str, ...]) -> tuple[dict[str, Any], Node, About]:
        """Split a row into its words, its settings and what it says about itself."""
        if not isinstance(body, Table):
            return {}, Scalar(None, body.where) if isinstance(body, Scalar) else body, About()
        words: dict[str, Any] = {}
        entries = [(str(k.value), v) for k, v in body.entries if k.value in allowed]
        for word, node in entries:
            if word in ("parent", "same_as"):
                words[word] = self.word(node) or ""
            elif word == "seeds":
                words[word] = self.whole_numbers(node, "seeds") or ()
        about = self.about({w: v for w, v in entries if w in (*ABOUT_WORDS, "name")})
        own = tuple(e for e in body.entries if e[0].value not in allowed)
        return words, Table(own, body.where), about

    def about(self, entries: dict[str, Node]) -> About:
        """Read note, why, expect, priority and tags."""
        found: dict[str, Any] = {}
        for word, node in entries.items():
            if word == "expect":
                found[word] = self.expectation(node)
            elif word == "priority":
                found[word] = self.priority(node)
            elif word == "tags":
                found[word] = self.words(node)
            else:
                found[word] = self.word(node) or ""
        return About(**found)

    def priority(self, node: Node) -> str:
        word = str(node.value).lower() if isinstance(node, Scalar) else ""
        if word not in PRIORITIES:
            hint = did_you_mean(word, PRIORITIES) or f"one of {', '.join(PRIORITIES)}"
            self.add(node.where, "a priority is high, medium or low", hint)
        return word

    def expectation(self, node: Node) -> Expectation:
        """A signed delta, an outcome in words, or a mapping with both."""
        if not isinstance(node, Table):
            return self._belief(node, ("delta", "outcome"))
        both = [
            self._belief(value, (str(key.value),))
            for key, value in self.entries(node, ("delta", "outcome"), "expectation")
        ]
        deltas = [b.delta for b in both if b.delta is not None]
        return Expectation(deltas[0] if deltas else None, "".join(b.outcome for b in both))

    def _belief(self, node: Node, kinds: tuple[str, ...]) -> Expectation:
        value = node.value if isinstance(node, Scalar) else None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and "delta" in kinds:
            return Expectation(delta=float(value or 0))
        if isinstance(value, str) and "outcome" in kinds:
            return Expectation(outcome=value)
        example = "for example -0.002, or: if it wins, prefer wider shapes"
        self.add(node.where, f"expect is a signed {' or an '.join(kinds)}", example)
        return Expectation()

    def sound_rows(self, drafts: tuple[RowDraft, ...], base: str) -> tuple[RowDraft, ...]:
        """Report names used twice, unknown parents and circles; return the rows that are left.

        ``base`` is what the file calls the baseline.

        What builds on a row that something is wrong with is left out too.
        """
        seen = self._by_name(drafts, base)
        seen.pop(BASELINE, None)
        seen.pop(base, None)
        for draft in list(seen.values()):
            for name in filter(None, (draft.parent, draft.same_as)):
                if name != BASELINE and name not in seen:
                    hint = did_you_mean(name, [BASELINE, *seen])
                    self.add(draft.where, f"row {draft.name!r} names an unknown row {name!r}", hint)
                    self.unsound.add(draft.name)
            if draft.same_as == draft.name:
                self.add(draft.where, f"row {draft.name!r} says same_as itself", "name another row")
                self.unsound.add(draft.name)
            if _in_circle(draft, seen):
                self.add(draft.where, f"the parents of row {draft.name!r} go round in a circle")
                self.unsound.add(draft.name)
        if not self.unsound:
            return tuple(seen.values())
        return tuple(d for d in seen.values() if not self._on_sand(d, seen))

    def _by_name(self, drafts: tuple[RowDraft, ...], base: str) -> dict[str, RowDraft]:
        """Return rows by name, and report names used twice; points may come twice."""
        seen: dict[str, RowDraft] = {}
        for draft in drafts if base == BASELINE else (_on_baseline(d, base) for d in drafts):
            first = seen.get(draft.name)
            if first and first.source in GENERATED and draft.source in POINTS:
                self.repeated.append(draft.name)
            elif first or draft.name in (BASELINE, base):
                hint = "drop one" if draft.source in GENERATED else "rename one"
                self.add(draft.where, f"there is already a row {draft.name!r}", hint)
            seen.setdefault(draft.name, draft)
        return seen

    def _on_sand(self, draft: RowDraft, rows: dict[str, RowDraft]) -> bool:
        below, name = {draft.name}, draft.parent
        while name in rows and name not in below:
            below.add(name)
            name = rows[name].parent
        return bool((below | {draft.same_as}) & self.unsound)


def _on_baseline(draft: RowDraft, base: str) -> RowDraft:
    """Return the row with the baseline under golf's own name for it."""
    parent, same_as = (BASELINE if n == base else n for n in (draft.parent, draft.same_as))
    return replace(draft, parent=parent, same_as=same_as)


def _in_circle(draft: RowDraft, rows: dict[str, RowDraft]) -> bool:
    name, passed = draft.parent, 0
    while name != BASELINE and name in rows and passed <= len(rows):
        name, passed = rows[name].parent, passed + 1
    return passed > len(rows)
