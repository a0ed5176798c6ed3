"""Files and functions stay short enough to be read at one sitting."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = sorted(
    p for folder in ("golf", "tests", "benchmarks") for p in (ROOT / folder).rglob("*.py")
)
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def test_files_have_fewer_than_300_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in FILES}
    assert len(lengths) > 400
    assert not {name: n for name, n in lengths.items() if n >= 300}


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def test_functions_have_fewer_than_40_lines() -> None:
    """Counted without the docstring, which may be as long as it needs to be."""
    long = {}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, FUNCTION):
                length = _lines(node) - (_lines(node.body[0]) if ast.get_docstring(node) else 0)
                if length >= 40:
                    long[f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"] = length
    assert not long
