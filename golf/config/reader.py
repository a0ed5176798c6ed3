"""The reader's ground floor: checked words, choices and settings out of YAML nodes.

A reader collects problems instead of stopping at the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from golf.config.formula import FormulaError, parse_formula, parse_point
from golf.config.knob import SHARE, Knob
from golf.config.matrix import Layer, Setting
from golf.config.names import find_knob
from golf.config.nodes import Items, Node, Scalar, Table
from golf.config.values import LARGEST, BadValueError, coerce
from golf.errors import GolfError, Problem, did_you_mean

SHOWN = {  # mappings in the plural, with an example
    "word of a wave": ("words of a wave", "for example {rows: [wide, deep]}"),
    "budget": ("budgets", "for example {steps: 100}"),
    "launch setting": ("launch settings", "for example {nproc_per_node: 2}"),
}


class Reader:
    """Reads the nodes of one file; what is wrong with them goes to ``problems``."""

    def __init__(self, path: Path, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems

    def add(self, where: str, what: str, hint: str = "") -> None:
        self.problems.append(Problem(where, what, hint))

    def entries(self, node: Node, known: Iterable[str], what: str) -> list[tuple[Scalar, Node]]:
        """Return the entries of a mapping whose keys are known; report the others."""
        if not isinstance(node, Table):
            several, example = SHOWN.get(what, (f"{what}s", ""))
            self.add(node.where, f"expected {several} with values here", example)
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

    def words(self, node: Node) -> tuple[str, ...]:
        """Read one word, or a list of them."""
        items = node.items if isinstance(node, Items) else (node,)
        return tuple(filter(None, map(self.word, items)))

    def choice(self, options: Iterable[str], what: str = "name") -> Callable[[Node], str | None]:
        def read(node: Node) -> str | None:
            word = self.word(node)
            if word is None or word in options:
                return word
            hint = did_you_mean(word, options) or f"one of {', '.join(options)}"
            self.add(node.where, f"unknown {what} {word!r}", hint)
            return None

        return read

    def number(self, node: Node, what: str, low: int, high: int) -> int | None:
        """Read a whole number."""
        value = node.value if isinstance(node, Scalar) else None
        if type(value) is int and low <= value <= high:
            return value
        self.add(node.where, f"{what} is a whole number from {low} to {high}")
        return None

    def share(self, node: Node, what: str, high: float, low: float = 0.0) -> float | None:
        """Read a number from ``low`` to ``high``."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.add(node.where, f"{what} is a number from {low:g} to {high:g}")
        return None

    def whole_numbers(self, node: Node, what: str) -> tuple[int, ...] | None:
        """Read a list of different whole numbers from 0 upwards."""
        items = node.items if isinstance(node, Items) else ()
        found = [i.value for i in items if isinstance(i, Scalar) and type(i.value) is int]
        if not items or len(found) != len(items) or min(found) < 0:
            self.add(node.where, f"{what} is a list of whole numbers", "for example [1337, 42]")
            return None
        if max(found) > LARGEST:
            self.add(
                node.where, f"{what} are whole numbers from 0 to 2^63 - 1", "take smaller ones"
            )
            return None
        if len(set(found)) != len(found):
            self.add(node.where, "a seed is listed twice; a repeated seed repeats its bits")
            return None
        return tuple(found)

    def settings(self, node: Node, by_row: bool = False) -> Layer:
        """Read a mapping of knob names to values; ``by_row`` for those of a single row."""
        layer: dict[str, Setting] = {}
        if not isinstance(node, Table):
            if not (isinstance(node, Scalar) and node.value is None):
                self.add(node.where, "expected factor names with values here")
            return layer
        for key, value in node.entries:
            knob = self.knob(key, by_row)
            setting = self.setting(knob, key, value) if knob else None
            if knob and setting:
                if knob.name in layer:
                    self.add(key.where, f"{knob.name} is already set as {layer[knob.name].written}")
                layer[knob.name] = setting
        return layer

    def knob(self, key: Scalar, by_row: bool) -> Knob | None:
        try:
            knob = find_knob(str(key.value))
        except GolfError as error:
            self.problems += [p._replace(where=key.where) for p in error.problems]
            return None
        if knob.name == "train.seed":
            self.add(key.where, "seeds are listed for the whole matrix", "use `seeds: [1337, 42]`")
            return None
        if by_row and not knob.by_row:
            what = f"{knob.name} is the same for every row"
            self.add(key.where, what, f"set {key.value} in the baseline")
        return knob

    def setting(self, knob: Knob, key: Scalar, node: Node) -> Setting | None:
        if isinstance(node, Table):
            self.add(node.where, f"{knob.name} wants {knob.type_name}, found a mapping")
            return None
        raw = (
            node.value if isinstance(node, Scalar) else [getattr(i, "value", i) for i in node.items]
        )
        try:
            if isinstance(raw, str) and raw.startswith("="):
                return _relative(knob, key, raw, node.where)
            if isinstance(raw, str) and knob.unit == SHARE and (point := parse_point(raw)):
                return Setting(None, node.where, str(key.value), point)
            return Setting(coerce(knob, raw), node.where, str(key.value))
        except (BadValueError, FormulaError) as bad:
            self.add(node.where, bad.what, bad.hint)
            return None


def _relative(knob: Knob, key: Scalar, raw: str, where: str) -> Setting:
    """Read ``= n_head / 2``."""
    if knob.kind not in (int, float):
        raise BadValueError(f"{knob.name} wants {knob.type_name}, and a formula gives a number")
    return Setting(None, where, str(key.value), parse_formula(raw[1:]))
