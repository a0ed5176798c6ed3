"""A matrix file to a ``Matrix``: every mistake with its line and column, all of them at once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from golf.config.knob import Knob
from golf.config.machine import Launch
from golf.config.matrix import BASELINE, Layer, Matrix, RowDraft, Setting
from golf.config.names import find_knob
from golf.config.nodes import Items, Node, Scalar, Table, read_nodes
from golf.config.profiles import PROFILES
from golf.config.values import BadValueError, coerce, format_value
from golf.errors import GolfError, Problem, did_you_mean, fail

PRESETS = Path(__file__).parents[1] / "presets"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*$")
LAUNCH_CHOICES = {"device": ("auto", "cpu", "cuda"), "compile": ("auto", "on", "off")}


def load_matrix(path: Path, text: str | None = None) -> Matrix:
    """Read and check a matrix file (or ``text`` in its place).

    Raises:
        GolfError: with every problem found in the file.
    """
    reader = _MatrixReader(path)
    matrix = reader.matrix(read_nodes(path, text))
    if reader.problems:
        raise GolfError(*reader.problems)
    return matrix


def preset_names() -> list[str]:
    """Return the presets that ship with golf."""
    return sorted(p.stem for p in PRESETS.glob("*.yaml"))


def load_preset(name: str) -> Layer:
    """Return the settings of a preset: knob values only, no code."""
    file = PRESETS / f"{name}.yaml"
    reader = _MatrixReader(Path(f"golf/presets/{name}.yaml"))
    layer = reader.settings(read_nodes(reader.path, file.read_text(encoding="utf-8")))
    if reader.problems:
        raise GolfError(*reader.problems)
    return layer


def parse_override(text: str) -> tuple[str, Setting]:
    """Read one ``--set NAME=VALUE`` of the command line."""
    name, equals, raw = text.partition("=")
    where = f"--set {text}"
    if not equals:
        raise fail("wants NAME=VALUE", "for example --set seq_len=512", where)
    reader = _MatrixReader(Path(where))
    value = read_nodes(Path(where), raw) if raw else Scalar("", where)
    layer = reader.settings(Table(((Scalar(name.strip(), where), value),), where))
    if reader.problems:
        raise GolfError(*(dataclasses.replace(p, where=where) for p in reader.problems))
    knob_name, setting = next(iter(layer.items()))
    return knob_name, dataclasses.replace(setting, where=where)


class _MatrixReader:
    """Walks the nodes of a file and collects problems instead of stopping at the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def add(self, where: str, what: str, hint: str = "") -> None:
        self.problems.append(Problem(where, what, hint))

    def matrix(self, root: Node) -> Matrix:
        parts: dict[str, Any] = {"name": self.path.stem}
        named_at = str(self.path)
        late: dict[str, Setting] = {}
        for key, node in self.entries(root, SECTIONS, "section"):
            read = SECTIONS[str(key.value)]
            found = read(self, node)
            named_at = node.where if key.value == "name" else named_at
            if key.value in ("budget", "evaluate"):
                late.update(found)
            elif found is not None:
                parts[str(key.value)] = found
        if not NAME.match(parts["name"]):
            hint = "`name:` is letters, digits, dots, dashes and underscores"
            self.add(named_at, f"{parts['name']!r} cannot name a report", hint)
        for name in late.keys() & parts.get("baseline", {}).keys():
            place = parts["baseline"][name].where
            self.add(late[name].where, f"{name} is already set in the baseline ({place})")
        parts["baseline"] = {**parts.get("baseline", {}), **late}
        drafts = (*parts.pop("factors", ()), *parts.pop("rows", ()))
        self.check_rows(drafts)
        if "preset" in parts:
            parts["preset_layer"] = load_preset(parts["preset"])
        return Matrix(path=self.path, drafts=drafts, **parts)

    def entries(self, node: Node, known: Iterable[str], what: str) -> list[tuple[Scalar, Node]]:
        """Return the entries of a mapping whose keys are known; report the others."""
        if not isinstance(node, Table):
            self.add(node.where, f"expected {what}s with values here")
            return []
        good = [(key, value) for key, value in node.entries if str(key.value) in known]
        for key, _ in node.entries:
            if str(key.value) not in known:
                hint = did_you_mean(str(key.value), known) or f"one of {', '.join(known)}"
                self.add(key.where, f"unknown {what} {key.value!r}", hint)
        return good

    def word(self, node: Node) -> str | None:
        if isinstance(node, Scalar) and node.value is not None:
            return str(node.value)
        self.add(node.where, "expected a text here")
        return None

    def choice(self, options: Iterable[str]) -> Callable[[Node], str | None]:
        def read(node: Node) -> str | None:
            word = self.word(node)
            if word is None or word in options:
                return word
            hint = did_you_mean(word, options) or f"one of {', '.join(options)}"
            self.add(node.where, f"unknown name {word!r}", hint)
            return None

        return read

    def seeds(self, node: Node) -> tuple[int, ...] | None:
        items = node.items if isinstance(node, Items) else ()
        found = [i.value for i in items if isinstance(i, Scalar) and type(i.value) is int]
        if not items or len(found) != len(items) or min(found) < 0:
            self.add(node.where, "seeds is a list of whole numbers", "for example [1337, 42]")
            return None
        if len(set(found)) != len(found):
            self.add(node.where, "a seed is listed twice; a repeated seed repeats its bits")
            return None
        return tuple(found)

    def launch(self, node: Node) -> Launch | None:
        fields = {f.name: f.default for f in dataclasses.fields(Launch)}
        chosen: dict[str, Any] = {}
        for key, value in self.entries(node, fields, "launch setting"):
            name, given = str(key.value), value.value if isinstance(value, Scalar) else None
            least = 0 if name == "jobs" else 1
            if name in LAUNCH_CHOICES:
                chosen[name] = self.choice(LAUNCH_CHOICES[name])(value)
            elif type(given) is int and given >= least:
                chosen[name] = given
            else:
                what = f"launch {name} is a whole number, at least {least}, found {given!r}"
                self.add(value.where, what)
        return Launch(**{k: v for k, v in chosen.items() if v is not None})

    def budget(self, node: Node) -> Layer:
        good = Table(tuple(self.entries(node, ("seconds", "steps", "tokens"), "budget")), "")
        if isinstance(node, Table) and len(node.entries) != 1:
            self.add(node.where, "a budget is one of seconds, steps or tokens")
            return {}
        return self.settings(good)

    def evaluate(self, node: Node) -> Layer:
        return self.settings(Table(((Scalar("eval.geometries", node.where), node),), node.where))

    def settings(self, node: Node, by_row: bool = False) -> Layer:
        """Read a mapping of knob names to values; ``by_row`` for those of a single row."""
        layer: dict[str, Setting] = {}
        if not isinstance(node, Table):
            if not (isinstance(node, Scalar) and node.value is None):
                self.add(node.where, "expected factor names with values here")
            return layer
        for key, value in node.entries:
            knob = self.knob(key)
            setting = self.setting(knob, key, value) if knob else None
            if knob and setting:
                if by_row and not knob.by_row:
                    what = f"{knob.name} is the same for every row"
                    self.add(key.where, what, f"set {key.value} in the baseline")
                if knob.name in layer:
                    self.add(key.where, f"{knob.name} is already set as {layer[knob.name].written}")
                layer[knob.name] = setting
        return layer

    def knob(self, key: Scalar) -> Knob | None:
        try:
            knob = find_knob(str(key.value))
        except GolfError as error:
            self.problems += [dataclasses.replace(p, where=key.where) for p in error.problems]
            return None
        if knob.name == "train.seed":
            self.add(key.where, "seeds are listed for the whole matrix", "use `seeds: [1337, 42]`")
            return None
        return knob

    def setting(self, knob: Knob, key: Scalar, node: Node) -> Setting | None:
        if isinstance(node, Table):
            self.add(node.where, f"{knob.name} wants {knob.type_name}, found a mapping")
            return None
        raw = (
            node.value if isinstance(node, Scalar) else [getattr(i, "value", i) for i in node.items]
        )
        try:
            return Setting(coerce(knob, raw), node.where, str(key.value))
        except BadValueError as bad:
            self.add(node.where, bad.what, bad.hint)
            return None

    def factors(self, node: Node) -> tuple[RowDraft, ...]:
        """One row per value, against the baseline."""
        drafts: list[RowDraft] = []
        if not isinstance(node, Table):
            self.add(node.where, "expected factor names, each with a list of values")
            return ()
        for key, values in node.entries:
            knob = self.knob(key)
            items = values.items if isinstance(values, Items) else (values,)
            if not items:
                self.add(values.where, f"factor {key.value!r} has no values", "list at least one")
            if knob and not knob.by_row:
                what = f"{knob.name} is the same for every row"
                self.add(key.where, what, f"set {key.value} in the baseline")
            for item in items if knob else ():
                setting = self.setting(knob, key, item) if knob else None
                if knob and setting:
                    name = f"{key.value}={format_value(setting.value)}"
                    drafts.append(RowDraft(name, {knob.name: setting}, item.where))
        return tuple(drafts)

    def rows(self, node: Node) -> tuple[RowDraft, ...]:
        """Named rows: any knobs, with `parent`, `note` and `same_as` beside them."""
        drafts: list[RowDraft] = []
        if not isinstance(node, Table):
            self.add(node.where, "expected row names, each with its settings")
            return ()
        for key, body in node.entries:
            entries = body.entries if isinstance(body, Table) else ()
            if not isinstance(body, Table) and not (
                isinstance(body, Scalar) and body.value is None
            ):
                self.add(body.where, f"row {key.value!r} wants settings, such as {{depth: 6}}")
            if not key.value:
                self.add(key.where, "a row needs a name")
            about = {str(k.value): self.word(v) or "" for k, v in entries if k.value in ROW_WORDS}
            own = Table(tuple(e for e in entries if e[0].value not in ROW_WORDS), body.where)
            drafts.append(RowDraft(str(key.value), self.settings(own, True), key.where, **about))
        return tuple(drafts)

    def check_rows(self, drafts: tuple[RowDraft, ...]) -> None:
        """Report names used twice, unknown parents and circles."""
        seen: dict[str, RowDraft] = {}
        for draft in drafts:
            if draft.name in seen or draft.name == BASELINE:
                self.add(draft.where, f"there is already a row {draft.name!r}", "rename one")
            seen[draft.name] = draft
        for draft in drafts:
            for name in filter(None, (draft.parent, draft.same_as)):
                if name != BASELINE and name not in seen:
                    hint = did_you_mean(name, [BASELINE, *seen])
                    self.add(draft.where, f"row {draft.name!r} names an unknown row {name!r}", hint)
            if _in_circle(draft, seen):
                self.add(draft.where, f"the parents of row {draft.name!r} go round in a circle")


def _in_circle(draft: RowDraft, rows: dict[str, RowDraft]) -> bool:
    name, passed = draft.parent, 0
    while name != BASELINE and name in rows and passed <= len(rows):
        name, passed = rows[name].parent, passed + 1
    return passed > len(rows)


ROW_WORDS = ("parent", "note", "same_as")
SECTIONS: dict[str, Callable[[_MatrixReader, Node], Any]] = {
    "name": _MatrixReader.word,
    "question": _MatrixReader.word,
    "preset": lambda reader, node: reader.choice(preset_names())(node),
    "profile": lambda reader, node: reader.choice(PROFILES)(node),
    "seeds": _MatrixReader.seeds,
    "budget": _MatrixReader.budget,
    "evaluate": _MatrixReader.evaluate,
    "launch": _MatrixReader.launch,
    "baseline": _MatrixReader.settings,
    "factors": _MatrixReader.factors,
    "rows": _MatrixReader.rows,
}
