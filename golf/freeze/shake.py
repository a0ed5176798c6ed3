"""Which definitions of golf a program needs: names followed from its entry.

Modules are read as text. A definition is kept when a kept one mentions its name; what a module
does besides defining and importing is kept whenever the module is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import golf

PACKAGE = "golf"


@dataclass
class Module:
    """One source file: its statements by the names that they define.

    Attributes:
        statements: top-level statements in order, imports left out.
        defines: number of the statement that defines a name.
        imports: local name to (module, name there); name "" for the module itself.
    """

    statements: list[ast.stmt] = field(default_factory=list)
    defines: dict[str, list[int]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)


@cache
def source_of(module: str) -> Path | None:
    """Return the file of a module or package of golf; None when there is none."""
    path = Path(golf.__file__).parent.joinpath(*module.split(".")[1:])
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((f for f in files if f.exists()), None)


@cache
def read_module(path: Path, name: str) -> Module:
    """Parse a source file, without what only people and type checkers read."""
    made = Module()
    tree = Stripper().visit(ast.parse(path.read_text(encoding="utf-8")))
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            made.imports.update(_imported(statement, name))
            continue
        for defined in _defined(statement):
            made.defines.setdefault(defined, []).append(len(made.statements))
        made.statements.append(statement)
    return made


def needed(entry: str, replaced: Mapping[str, str]) -> dict[str, tuple[Module, set[int]]]:
    """Return the modules that ``entry`` needs, each with the numbers of its kept statements.

    ``replaced`` maps modules to the parts that stand in for them.
    """
    search = Search(replaced)
    search.whole(entry)
    while search.waiting:
        search.follow(*search.waiting.pop())
    return {name: (search.modules[name], kept) for name, kept in search.kept.items()}


class Search:
    """What has been found to be needed, and what has still to be followed."""

    def __init__(self, replaced: Mapping[str, str]) -> None:
        self.replaced = replaced
        self.modules: dict[str, Module] = {}
        self.kept: dict[str, set[int]] = {}
        self.waiting: list[tuple[str, int]] = []

    def enter(self, name: str) -> Module | None:
        """Return a module of golf, with its own actions kept; None for other packages."""
        path = source_of(name) if name.split(".")[0] == PACKAGE else None
        if path is None:
            return None
        if name not in self.modules:
            module = self.modules[name] = read_module(path, name)
            self.kept[name] = set()
            named = {i for numbers in module.defines.values() for i in numbers}
            for number in set(range(len(module.statements))) - named:
                self.keep(name, number)
        return self.modules[name]

    def keep(self, name: str, number: int) -> None:
        if number not in self.kept[name]:
            self.kept[name].add(number)
            self.waiting.append((name, number))

    def whole(self, name: str) -> None:
        """Keep all of a module."""
        module = self.enter(name)
        for number in range(len(module.statements)) if module else ():
            self.keep(name, number)

    def want(self, name: str, wanted: str) -> None:
        """Keep the definition of a name in a module, or what it imports under that name."""
        name = self.replaced.get(name, name)
        module = self.enter(name)
        if module is None:
            return
        for number in module.defines.get(wanted, ()):
            self.keep(name, number)
        if wanted in module.imports:
            self.want_import(*module.imports[wanted])

    def want_import(self, module: str, name: str) -> None:
        submodule = f"{module}.{name}"
        if name and self.enter(self.replaced.get(submodule, submodule)) is not None:
            return
        self.want(module, name)

    def follow(self, name: str, number: int) -> None:
        """Keep whatever a statement mentions."""
        module = self.modules[name]
        for node in ast.walk(module.statements[number]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                self._attribute(module, node.value.id, node.attr)
            if isinstance(node, ast.Name):
                self.want(name, node.id)
            if isinstance(node, ast.Import | ast.ImportFrom):
                for place in _imported(node, name).values():
                    self.want_import(*place)

    def _attribute(self, module: Module, owner: str, wanted: str) -> None:
        """Follow ``rans.decode`` into the module that ``rans`` is."""
        place = module.imports.get(owner)
        if place is not None:
            inner = f"{place[0]}.{place[1]}" if place[1] else place[0]
            self.want(inner, wanted)


def used_imports(module: Module, kept: set[int]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the imports that kept statements mention: local name, (module, name)."""
    mentioned = {
        node.id
        for number in kept
        for node in ast.walk(module.statements[number])
        if isinstance(node, ast.Name)
    }
    yield from ((n, place) for n, place in sorted(module.imports.items()) if n in mentioned)


def _imported(statement: ast.Import | ast.ImportFrom, name: str) -> dict[str, tuple[str, str]]:
    if isinstance(statement, ast.ImportFrom):
        assert statement.module and not statement.level, f"{name}: imports are absolute"
        return {a.asname or a.name: (statement.module, a.name) for a in statement.names}
    return {a.asname or a.name.split(".")[0]: (a.name, "") for a in statement.names}


def _defined(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        names = [n for t in statement.targets for n in ast.walk(t)]
        return [n.id for n in names if isinstance(n, ast.Name)]
    return []


class Stripper(ast.NodeTransformer):
    """Takes out docstrings, annotations and type-checking; what runs stays as it was."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [s for s in node.body if not _is_text(s) and not _is_guard(s)]
        self.generic_visit(node)
        node.body = [s for s in node.body if getattr(s, "module", "") != "__future__"]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.body = [s for s in node.body if not _is_text(s)] or [ast.Pass()]
        node.returns = None
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in [*every, arguments.vararg, arguments.kwarg]:
            if argument is not None:
                argument.annotation = None
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        fields = [s for s in node.body if isinstance(s, ast.AnnAssign)]
        node.body = [s for s in node.body if not _is_text(s)]
        kept = [s for s in node.body if s in fields]
        for statement in kept:
            statement.annotation = ast.Name("int", ast.Load())
        node.body = [s if s in fields else self.visit(s) for s in node.body] or [ast.Pass()]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.Assign | None:
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_guard(statement: ast.stmt) -> bool:
    """Say whether a statement is ``if TYPE_CHECKING`` or ``if __name__ == "__main__"``."""
    if not isinstance(statement, ast.If):
        return False
    names = [n.id for n in ast.walk(statement.test) if isinstance(n, ast.Name)]
    return bool({"TYPE_CHECKING", "__name__"} & set(names))
