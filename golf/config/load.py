"""A matrix file to a ``Matrix``: every mistake with its line and column, all of them at once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from golf.config.about import About
from golf.config.knob import Knob
from golf.config.machine import Launch
from golf.config.matrix import BASELINE, SHIPPED, Layer, Matrix, SeedRule, Setting, put_layer
from golf.config.names import short_names
from golf.config.nodes import Items, Node, Scalar, Table, read_nodes
from golf.config.points import Tally
from golf.config.profiles import PROFILES
from golf.config.seeds import first_seeds, read_seeds
from golf.config.shared_seeds import seed_problems
from golf.config.waves import WaveReader
from golf.errors import GolfError, Problem, fail, in_order
from golf.files import is_regular

PRESETS = Path(__file__).parents[1] / "presets"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # file names are made of it
MOST_FILES = 100
RELATIVE = "its path is relative to this file"
LAUNCH_CHOICES = {"device": ("auto", "cpu", "cuda"), "compile": ("auto", "on", "off")}


def load_matrix(path: Path, text: str | None = None) -> Matrix:
    """Read and check a matrix file (or ``text`` in its place).

    Raises:
        GolfError: with every problem found in the file.
    """
    matrix = read_matrix(path, text)
    if matrix.problems:
        raise GolfError(*in_order(matrix.problems))
    return matrix


def read_matrix(path: Path, text: str | None = None) -> Matrix:
    """Read a matrix file as far as it can be read; ``problems`` of the result holds the rest.

    Raises:
        GolfError: what is wrong concerns every row, so that there is nothing to go on with.
    """
    problems: list[Problem] = []
    reader = MatrixReader(path, problems)
    matrix = reader.matrix(read_nodes(path, text, problems))
    if problems and not reader.has_ground:
        raise GolfError(*in_order(problems))
    return dataclasses.replace(matrix, problems=tuple(problems))


def preset_names() -> list[str]:
    """Return the presets that ship with golf."""
    return sorted(p.stem for p in PRESETS.glob("*.yaml"))


@cache
def load_preset(name: str) -> tuple[Layer, About]:
    """Return the settings of a preset, and its note on what it was published on."""
    file = PRESETS / f"{name}.yaml"
    reader = MatrixReader(Path(f"{SHIPPED}{name}.yaml"), [])
    preset = reader.baseline(read_nodes(reader.path, file.read_text(encoding="utf-8")))
    if reader.problems:
        raise GolfError(*reader.problems)
    return preset


def parse_override(text: str) -> tuple[str, Setting]:
    """Read one ``--set NAME=VALUE`` of the command line."""
    name, equals, raw = text.partition("=")
    where = f"--set {text}"
    if not equals:
        raise fail("wants NAME=VALUE", "for example --set seq_len=512", where)
    reader = MatrixReader(Path(where), [])
    value = read_nodes(Path(where), raw) if raw else Scalar("", where)
    layer = reader.settings(Table(((Scalar(name.strip(), where), value),), where))
    if reader.problems:
        raise GolfError(*(p._replace(where=where) for p in reader.problems))
    knob_name, setting = next(iter(layer.items()))
    return knob_name, dataclasses.replace(setting, where=where)


class MatrixReader(WaveReader):
    """Walks the sections of a matrix file.

    Attributes:
        has_ground: whether what every row starts from could be read.
        above: the files that include this one, itself last.
    """

    def __init__(
        self,
        path: Path,
        problems: list[Problem],
        above: tuple[Path, ...] = (),
        tally: Tally | None = None,
    ) -> None:
        super().__init__(path, problems, tally)
        self.has_ground = True
        self.above = (*above, path.resolve())
        self.second_budget: Layer = {}
        self.processes_where = ""

    def matrix(self, root: Node) -> Matrix:
        parts = self.parts(root)
        drafts = tuple(draft for section in ROWS for draft in parts.pop(section, ()))
        if "preset" in parts:
            parts["preset_layer"], about = load_preset(parts["preset"])
            own = parts["baseline_about"]
            parts["baseline_about"] = dataclasses.replace(own, note=own.note or about.note)
        base = parts["baseline_about"].name or BASELINE
        sound = self.sound_rows(drafts, base)
        self.check_waves(parts.get("waves", ()), sound, base)
        repeated = tuple(self.repeated)
        matrix = Matrix(path=self.path, drafts=sound, repeated=repeated, **parts)
        self.problems += seed_problems(matrix)
        return matrix

    def parts(self, root: Node) -> dict[str, Any]:
        """Return what the sections say, those of included files under the file's own."""
        entries = self.entries(root, (*SECTIONS, *LABELS), "section")
        nodes = {str(key.value): node for key, node in entries}
        self.has_ground &= bool(entries)
        parts = {n: self.section(n, node) for n, node in nodes.items() if n in SECTIONS}
        parts = {n: found for n, found in parts.items() if found is not None}
        name = parts.setdefault("name", self.path.stem)
        if not NAME.fullmatch(name):
            where = nodes["name"].where if "name" in nodes else str(self.path)
            hint = "`name:` is letters, digits, dots, dashes and underscores, at most 100 of them"
            self.add(where, f"{name[:100]!r} cannot name a report", hint)
        parts["baseline"], parts["baseline_about"] = self.whole_baseline(parts)
        parts["baseline_layers"] = (parts["baseline"],)
        if isinstance(parts.get("seeds"), SeedRule):
            parts["seed_rule"] = rule = parts.pop("seeds")
            parts["seeds"] = first_seeds(rule.most)
        if self.second_budget:
            parts["second_budget"] = self.second_budget
        if self.processes_where:
            parts["processes_where"] = self.processes_where
        parts["about"] = self.about({n: node for n, node in nodes.items() if n in LABELS})
        for included in reversed(parts.pop("include", ())):
            parts = _merged(included, parts)
        return parts

    def section(self, name: str, node: Node) -> Any:
        before = len(self.problems)
        found = SECTIONS[name](self, node)
        if name in GROUND and len(self.problems) > before:
            self.has_ground = False
        return found

    def whole_baseline(self, parts: dict[str, Any]) -> tuple[Layer, About]:
        """Join the baseline with the sections that set knobs for every row."""
        layer, about = parts.pop("baseline", ({}, About()))
        late: Layer = {**parts.pop("budget", {}), **parts.pop("evaluate", {})}
        for name in late.keys() & layer.keys():
            what = f"{name} is already set in the baseline ({layer[name].where})"
            self.add(late[name].where, what)
        return {**layer, **late}, about

    def include(self, node: Node) -> list[dict[str, Any]]:
        """Read the files named here; their paths are relative to this one."""
        found = []
        for item in node.items if isinstance(node, Items) else (node,):
            name = self.word(item)
            path = self.path.parent / (name or "")
            if not name or not self._may_include(item, name, path):
                continue
            reader = MatrixReader(path, self.problems, self.above, self.tally)
            try:
                found.append(reader.parts(read_nodes(path, None, self.problems)))
            except GolfError as error:
                self.add(item.where, f"cannot include {name}")
                self.problems += error.problems
            self.has_ground &= reader.has_ground
            self.unsound |= reader.unsound
        return found

    def _may_include(self, item: Node, name: str, path: Path) -> bool:
        """Say whether a file can be included; report it else."""
        self.tally.files += 1
        before = len(self.problems)
        if not is_regular(path):
            self.add(item.where, f"cannot include {name}: no regular file is there", RELATIVE)
        elif path.resolve() in self.above:
            self.add(item.where, f"{name} includes itself in the end")
        elif self.tally.files > MOST_FILES:
            self.add(item.where, f"more than {MOST_FILES} files are included")
        return len(self.problems) == before

    def launch(self, node: Node) -> Launch | None:
        fields = {f.name: f.default for f in dataclasses.fields(Launch)}
        chosen: dict[str, Any] = {}
        for key, value in self.entries(node, fields, "launch setting"):
            name, given = str(key.value), value.value if isinstance(value, Scalar) else None
            least = 0 if name == "jobs" else 1
            if name in LAUNCH_CHOICES:
                chosen[name] = self.choice(LAUNCH_CHOICES[name])(value)
            elif name == "audit" and isinstance(given, bool):
                chosen[name] = given
            elif name == "audit":
                self.add(value.where, f"launch audit is true or false, found {given!r}")
            elif type(given) is int and given >= least:
                chosen[name] = given
                if name == "nproc_per_node":
                    self.processes_where = value.where
            else:
                what = f"launch {name} is a whole number, at least {least}, found {given!r}"
                self.add(value.where, what)
        return Launch(**{k: v for k, v in chosen.items() if v is not None})

    def knob(self, key: Scalar, by_row: bool) -> Knob | None:
        """Return the knob of that name; say of a section that it stands elsewhere."""
        word = str(key.value)
        in_launch = any(f.name == word for f in dataclasses.fields(Launch))
        if not (in_launch or word in SECTIONS) or word.lower() in short_names():
            return super().knob(key, by_row)
        example = f"launch: {{{word}: ...}}" if in_launch else f"{word}: ..."
        what = f"{word} is no factor: it is the same for the whole file"
        self.add(key.where, what, f"write `{example}` at the top of the file")
        return None

    def budget(self, node: Node) -> Layer:
        """One of seconds, steps and tokens; with ``both``, two of them, the first one leads."""
        words = {str(k.value): v for k, v in self.entries(node, (*BUDGETS, "both"), "budget")}
        both = self.words(words.pop("both")) if "both" in words else ()
        good = Table(tuple((Scalar(n, v.where), v) for n, v in words.items()), node.where)
        if both and (len(both) != 2 or set(both) != words.keys()):
            hint = "for example {seconds: 600, steps: 4000, both: [seconds, steps]}"
            self.add(node.where, "both names the two budgets that are given beside it", hint)
            return {}
        if isinstance(node, Table) and len(node.entries) != 1 and not both:
            what = "a budget is one of seconds, steps or tokens"
            self.add(node.where, what, "or two of them, with both: [seconds, steps]")
            return {}
        layer = self.settings(good)
        if both and len(layer) == 2:
            self.second_budget = {n: s for n, s in layer.items() if s.written == both[1]}
            return {n: s for n, s in layer.items() if s.written == both[0]}
        return layer

    def evaluate(self, node: Node) -> Layer:
        return self.settings(Table(((Scalar("eval.geometries", node.where), node),), node.where))


LABELS = ("note", "why", "priority", "tags")
SECTIONS: dict[str, Callable[[MatrixReader, Node], Any]] = {
    "name": MatrixReader.word,
    "question": MatrixReader.word,
    "preset": lambda reader, node: reader.choice(preset_names(), "preset")(node),
    "profile": lambda reader, node: reader.choice(PROFILES, "profile")(node),
    "seeds": read_seeds,
    "budget": MatrixReader.budget,
    "evaluate": MatrixReader.evaluate,
    "launch": MatrixReader.launch,
    "include": MatrixReader.include,
    "baseline": MatrixReader.baseline,
    "factors": MatrixReader.factors,
    "grid": MatrixReader.grid,
    "zip": MatrixReader.zip,
    "rows": MatrixReader.rows,
    "where": MatrixReader.where,
    "exclude": MatrixReader.exclude,
    "waves": MatrixReader.waves,
}
BUDGETS = ("seconds", "steps", "tokens")
GROUND = ("preset", "budget", "include", "baseline")  # what every row starts from
ROWS = ("factors", "grid", "zip", "rows")
LISTS = (*ROWS, "where", "exclude", "waves", "baseline_layers")


def _merged(included: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return what an included file says with ``own`` over it; rows and constraints add up."""
    baseline = dict(included["baseline"])
    put_layer(baseline, own["baseline"])
    lists = {n: (*included.get(n, ()), *own.get(n, ())) for n in LISTS if n in included or n in own}
    words = {n: own[n].over(included[n]) for n in ("about", "baseline_about")}
    return {**included, **own, "baseline": baseline, **words, **lists}
