"""YAML text to plain nodes that remember their place in the file.

Scalars follow YAML 1.2: only ``true`` and ``false`` are booleans (``off``, ``no`` and ``yes``
are words), ``1e-4`` is a number and ``010`` is refused instead of being read as eight.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from golf.errors import GolfError, Problem, fail

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)$")
FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")
ODD_NUMBER = re.compile(r"[-+]?(0[0-9]+|0[xob][0-9a-fA-F]+|[0-9]+(:[0-9]+)+)$")
LONGEST_NUMBER = 4000  # digits that Python still reads
WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True)
class Scalar:
    """A word, number, boolean or null."""

    value: str | int | float | bool | None
    where: str


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    where: str


@dataclass(frozen=True)
class Table:
    """A mapping with its entries in file order."""

    entries: tuple[tuple[Scalar, Node], ...]
    where: str


Node = Scalar | Items | Table


def read_nodes(path: Path, text: str | None = None) -> Node:
    """Parse a YAML file (or ``text`` in its place).

    Raises:
        GolfError: unreadable file, broken YAML, duplicate keys or ambiguous numbers.
    """
    if text is None:
        text = _read(path)
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader if _HAS_C else yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise fail(f"not valid YAML: {error.problem or error}", where=where) from None
    except yaml.YAMLError as error:
        raise fail(f"not valid YAML: {error}", where=str(path)) from None
    if root is None:
        raise fail("the file is empty", "`golf init` writes one to start from", str(path))
    problems: list[Problem] = []
    node = _Reader(str(path), problems).read(root, ())
    if problems:
        raise GolfError(*problems)
    return node


_HAS_C = hasattr(yaml, "CSafeLoader")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise fail("no such file", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"cannot be read: {error}", where=str(path)) from None


class _Reader:
    """Turns PyYAML's nodes into ours, noting every problem on the way."""

    def __init__(self, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems

    def where(self, node: yaml.Node) -> str:
        return f"{self.path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def read(self, node: yaml.Node, above: tuple[yaml.Node, ...]) -> Node:
        where = self.where(node)
        if any(node is a for a in above):
            self.problems.append(Problem(where, "an alias that contains itself"))
            return Scalar(None, where)
        if isinstance(node, yaml.SequenceNode):
            return Items(tuple(self.read(n, (*above, node)) for n in node.value), where)
        if isinstance(node, yaml.MappingNode):
            return self._table(node, (*above, node))
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    def _table(self, node: yaml.MappingNode, above: tuple[yaml.Node, ...]) -> Table:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, str] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append(Problem(self.where(key_node), "a key must be a plain word"))
                continue
            key = Scalar(key_node.value, self.where(key_node))
            first = seen.setdefault(key_node.value, key.where)
            if first != key.where:
                line = first.rsplit(":", 2)[1]
                what = f"{key_node.value!r} is set twice; first on line {line}"
                self.problems.append(Problem(key.where, what, "keep one of them"))
            entries.append((key, self.read(value_node, above)))
        return Table(tuple(entries), self.where(node))

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        text, where = node.value, self.where(node)
        if node.style in ("'", '"', "|", ">"):
            return Scalar(text, where)
        if ODD_NUMBER.match(text):
            what = f"{text} is read differently by different YAML versions"
            self.problems.append(Problem(where, what, "write a plain decimal number, or quote it"))
        if text.lower() in WORDS:
            return Scalar(WORDS[text.lower()], where)
        if INTEGER.match(text) and len(text) > LONGEST_NUMBER:
            self.problems.append(Problem(where, "a number of thousands of digits"))
            return Scalar(None, where)
        if INTEGER.match(text):
            return Scalar(int(text), where)
        if FLOAT.match(text):
            return Scalar(float(text), where)
        return Scalar(text, where)
