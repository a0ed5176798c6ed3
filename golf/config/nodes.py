"""YAML text to plain nodes that remember their place in the file.

Scalars follow YAML 1.2: only ``true`` and ``false`` are booleans (``off``, ``no`` and ``yes``
are words), ``1e-4`` is a number and ``010`` is refused instead of being read as eight.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from golf.errors import GolfError, Problem, fail
from golf.frozen import Frozen

INTEGER = re.compile(r"[-+]?(0|[1-9][0-9_]*)$")
FLOAT = re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)([eE][-+]?[0-9]+)?$")
ODD_NUMBER = re.compile(r"[-+]?(0[0-9]+|0[xob][0-9a-fA-F]+|[0-9]+(:[0-9]+)+)$")
LONGEST_NUMBER = 4000  # digits that Python still reads
DEEPEST = 40  # levels of nesting
TOWER = 10_000  # characters from which on the depth is measured before the parser is trusted
MOST_NODES = 500_000  # aliases can make a short file long
LONGEST_FILE = 10_000_000  # characters
REMEDIES = {  # what the parser finds, and what to do
    "another document": "one document a file: make what follows --- a file of its own",
    "mapping values": "quote a text that holds ': '",
    "cannot start any token": "quote a text that starts with such a character",
}
WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class Scalar(Frozen):
    """A word, number, boolean or null."""

    value: str | int | float | bool | None
    where: str


class Items(Frozen):
    """A list."""

    items: tuple[Node, ...]
    where: str


class Table(Frozen):
    """A mapping with its entries in file order."""

    entries: tuple[tuple[Scalar, Node], ...]
    where: str


Node = Scalar | Items | Table


def read_nodes(path: Path, text: str | None = None, problems: list[Problem] | None = None) -> Node:
    """Parse a YAML file (or ``text`` in its place).

    Args:
        path: the file, and the name by which places in it are told.
        text: what to read in place of the file.
        problems: takes duplicate keys, ambiguous numbers and the like, so that a caller can go
            on without them; by default they are raised.

    Raises:
        GolfError: an unreadable file or broken YAML, or nothing left to go on with.
    """
    if text is None:
        text = _read(path)
    try:
        _refuse_towers(path, text)
        root = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        what = f"not valid YAML: {error.problem or error}"
        raise fail(what, _remedy(error, text), where) from None
    except yaml.reader.ReaderError as error:
        raise _unreadable(path, text, chr(error.character)) from None
    except UnicodeEncodeError as error:
        raise _unreadable(path, text, text[error.start]) from None
    except yaml.YAMLError as error:
        raise fail(f"not valid YAML: {error}", where=str(path)) from None
    if root is None:
        raise fail("the file is empty", "`golf init` writes one to start from", str(path))
    found: list[Problem] = []
    node = _Reader(str(path), found).read(root, ())
    if node is None or (found and problems is None):
        raise GolfError(*found)
    (problems if problems is not None else []).extend(found)
    return node


LOADER = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader


def _refuse_towers(path: Path, text: str) -> None:
    """Refuse text that is so deep or so long that the parser itself would fall.

    Raises:
        GolfError: more than ``DEEPEST`` levels or ``MOST_NODES`` values in a file that is long
            enough to hold so many.
    """
    if len(text) < TOWER:
        return
    depth = number = 0
    for event in yaml.parse(text, Loader=LOADER):
        number += isinstance(event, yaml.NodeEvent)
        if number > MOST_NODES:
            raise fail(f"more than {MOST_NODES:,} values", where=str(path))
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise fail(f"nested more than {DEEPEST} levels deep", where=str(path))


def _remedy(error: yaml.MarkedYAMLError, text: str) -> str:
    """Return what to do about broken YAML, where its parser knows."""
    at, opened = error.problem_mark, error.context_mark
    lines = text.split("\n")
    before = lines[at.line][: at.column + 1] if at and at.line < len(lines) else ""
    if before.isspace() and "\t" in before:
        return "indent with spaces; YAML refuses tabs"
    for found, remedy in REMEDIES.items():
        if found in str(error.problem):
            return remedy
    if at and opened and opened.line != at.line:
        return f"{error.context} that starts on line {opened.line + 1}, column {opened.column + 1}"
    return ""


def _unreadable(path: Path, text: str, character: str) -> GolfError:
    """Return the error of a character that YAML does not allow, at its first place."""
    before = text[: text.find(character)].split("\n")
    where = f"{path}:{len(before)}:{len(before[-1]) + 1}"
    what = f"not valid YAML: the character U+{ord(character):04X} is not allowed"
    return fail(what, "delete it", where)


def _read(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise fail("cannot be read: it is no regular file", "name a YAML file", str(path))
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST_FILE + 1)
    except FileNotFoundError:
        raise fail("no such file", where=str(path)) from None
    except UnicodeDecodeError:
        raise fail("cannot be read: it is not UTF-8", "save it as UTF-8", str(path)) from None
    except (OSError, ValueError) as error:
        raise fail(f"cannot be read: {error}", where=str(path)) from None
    if len(text) > LONGEST_FILE:
        raise fail(f"longer than {LONGEST_FILE:,} characters", where=str(path))
    return text


class _Reader:
    """Turns PyYAML's nodes into ours, noting every problem on the way."""

    def __init__(self, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.number = 0

    def where(self, node: yaml.Node) -> str:
        return f"{self.path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"

    def note(self, where: str, what: str, hint: str = "") -> None:
        self.problems.append(Problem(where, what, hint))

    def read(self, node: yaml.Node, above: tuple[yaml.Node, ...]) -> Node | None:
        """Return what stands here; None where something is wrong with it."""
        where = self.where(node)
        self.number += 1
        if any(node is a for a in above):
            self.note(where, "an alias that contains itself")
            return None
        if len(above) > DEEPEST:
            raise fail(f"nested more than {DEEPEST} levels deep", where=where)
        if self.number > MOST_NODES:
            raise fail(f"more than {MOST_NODES:,} values, aliases counted", where=where)
        if isinstance(node, yaml.SequenceNode):
            items = [self.read(n, (*above, node)) for n in node.value]
            whole = tuple(item for item in items if item is not None)
            return Items(whole, where) if len(whole) == len(items) else None
        if isinstance(node, yaml.MappingNode):
            return self._table(node, (*above, node))
        assert isinstance(node, yaml.ScalarNode)
        return self._scalar(node)

    def _table(self, node: yaml.MappingNode, above: tuple[yaml.Node, ...]) -> Table:
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, str] = {}
        for key_node, value_node in node.value:
            where = self.where(key_node)
            value = self.read(value_node, above)
            if not isinstance(key_node, yaml.ScalarNode):
                self.note(where, "a key must be a plain word")
                continue
            key = key_node.value
            first = seen.setdefault(key, where)
            if key == "<<":
                hint = "repeat the settings, or start a row from another with `parent:`"
                self.note(where, "merge keys (<<) are not read", hint)
            elif first != where:
                line = first.rsplit(":", 2)[1]
                self.note(where, f"{key!r} is set twice; first on line {line}", "keep one of them")
            elif value is not None:
                entries.append((Scalar(key, where), value))
        return Table(tuple(entries), self.where(node))

    def _scalar(self, node: yaml.ScalarNode) -> Scalar | None:
        text, where = node.value, self.where(node)
        if node.style in ("'", '"', "|", ">"):
            return Scalar(text, where)
        if fault := _fault(text):
            self.note(where, *fault)
            return None
        if text.lower() in WORDS:
            return Scalar(WORDS[text.lower()], where)
        if INTEGER.match(text):
            return Scalar(int(text), where)
        if FLOAT.match(text):
            return Scalar(float(text), where)
        return Scalar(text, where)


def _fault(text: str) -> tuple[str, ...]:
    """Say what is wrong with a plain scalar that looks like a number, and what to do."""
    if ODD_NUMBER.match(text):
        what = f"{text} is read differently by different YAML versions"
        return what, "write a plain decimal number, or quote it"
    if INTEGER.match(text) and len(text) > LONGEST_NUMBER:
        return ("a number of thousands of digits",)
    return ()
