"""The code's share of the artifact, until a single-file program is built: provisional.

Counted as one brotli stream of the sources that turn an artifact back into a score: the modules
below and every module of golf that they import, directly or not.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import brotli

import golf

STARTS = ("golf.stages.evaluate", "golf.stages.ttt")


@cache
def code_bytes() -> int:
    """Return the compressed size of the sources that decoding and scoring take."""
    sources = {module: _source(module) for module in sorted(_needed())}
    return len(brotli.compress(b"".join(p.read_bytes() for p in sources.values()), quality=11))


def _needed() -> set[str]:
    found: set[str] = set()
    waiting = list(STARTS)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imports(_source(module))
    return found


def _imports(source: Path) -> list[str]:
    """Return the modules of golf that a source file imports from."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    froms = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module]
    return [module for module in froms if module.split(".")[0] == "golf"]


def _source(module: str) -> Path:
    """Return the file of a module or package."""
    path = Path(golf.__file__).parent.joinpath(*module.split(".")[1:])
    return path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
