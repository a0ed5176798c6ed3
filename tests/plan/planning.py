"""Matrix files as short texts, expanded on a small machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from golf.config.load import parse_override, read_matrix
from golf.config.machine import Launch
from golf.errors import GolfError, Problem
from golf.plan.expand import expand
from golf.plan.row import Row, Rows
from tests.conftest import CPU

FILE = "m.yaml"
BOTH = "budget: {seconds: 5, steps: 40, both: [seconds, steps]}\n"


def plan(folder: Path, text: str, *sets: str, profile: str = "", ranks: int = 0) -> Rows:
    path = folder / FILE
    path.write_text(text, encoding="utf-8")
    matrix = read_matrix(path)
    launch = Launch(nproc_per_node=ranks) if ranks else matrix.launch
    return expand(matrix, launch, CPU, profile, dict(parse_override(s) for s in sets))


def mistakes(folder: Path, text: str, *sets: str, ranks: int = 0) -> list[Problem]:
    with pytest.raises(GolfError) as caught:
        plan(folder, text, *sets, ranks=ranks)
    return list(caught.value.problems)


def mistake_at(folder: Path, text: str, place: str) -> Problem:
    """Return the only mistake of a matrix, which stands at line:column ``place``."""
    (problem,) = mistakes(folder, text)
    assert problem.where == f"{folder / FILE}:{place}"
    return problem


def row(rows: Rows, name: str) -> Row:
    return next(r for r in rows.rows if r.name == name)
