"""Broken matrix files of every kind: one clear message, never a traceback, a hang or a file."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golf.config.load import read_matrix
from golf.config.machine import Launch
from golf.config.matrix import Matrix
from golf.config.schema import KNOBS
from golf.errors import GolfError
from golf.plan.expand import expand
from golf.plan.ledger import Options, plan_file
from tests.conftest import CPU

REPO = Path(__file__).parents[1]
SHIPPED = sorted((REPO / "matrices").glob("*.yaml"))
MUTATIONS = 10_000
TAGS = ("factors", "grid", "zip", "rows", "where", "exclude", "waves", "seeds", "budget", "launch")
SIGNS = b"{}[]:,-&*#?|>!%@`'\"\n\t =/\\\x00\xff0179.eE+~abz"


def understand(text: str, folder: Path) -> None:
    """Read a text as `golf plan` does; a mistake of the user's is fine, anything else is ours."""
    try:
        matrix: Matrix = read_matrix(folder / "m.yaml", text)
        expand(matrix, Launch(), CPU)
    except GolfError as error:
        assert error.problems
        assert all(p.what for p in error.problems)


def flip(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.randrange(256)


def sign(data: bytearray, rng: random.Random) -> None:
    data[rng.randrange(len(data))] = rng.choice(SIGNS)


def insert(data: bytearray, rng: random.Random) -> None:
    data.insert(rng.randrange(len(data)), rng.choice(SIGNS))


def cut(data: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(data))
    del data[start : start + rng.randint(1, 20)]


def repeat(data: bytearray, rng: random.Random) -> None:
    start, length = rng.randrange(len(data)), rng.randint(1, 60)
    data[start:start] = data[start : start + length]


def swap_lines(data: bytearray, rng: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    data[:] = b"\n".join(lines)


MUTATORS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip, sign, sign, insert, cut, repeat, swap_lines,
)  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_shipped_matrices_with_damaged_bytes_are_understood_or_refused(
    tmp_path: Path, seed: int
) -> None:
    """2,500 mutations of the first bytes of shipped files."""
    rng = random.Random(seed)
    heads = [path.read_bytes() for path in SHIPPED]
    for _ in range(MUTATIONS // 4):
        whole = rng.choice(heads)
        data = bytearray(whole[: rng.randint(60, 400)])
        for _ in range(rng.randint(1, 3)):
            rng.choice(MUTATORS)(data, rng)
            data = data or bytearray(b"a")
        understand(bytes(data).decode(errors="replace"), tmp_path)
    assert list(tmp_path.iterdir()) == []


SCALARS = st.one_of(
    st.integers(-(10**20), 10**20), st.floats(), st.booleans(), st.none(),
    st.sampled_from(["off", "= n_head / 2", "= depth", "20 steps", "all", "none", "SL", "010"]),
    st.text(max_size=8),
)  # fmt: skip
NAMES = st.one_of(st.sampled_from(sorted(KNOBS)), st.sampled_from(["parent", "note", "a", "b"]))
BODIES = st.dictionaries(NAMES, SCALARS, max_size=4)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
AXES = st.dictionaries(NAMES, st.lists(SCALARS, max_size=3), max_size=3)
FILES = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(TAGS, TREES),
        "rows": st.dictionaries(st.sampled_from("abc"), BODIES, max_size=3),
        "grid": AXES,
        "factors": AXES,
        "baseline": BODIES,
        "waves": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "rows": st.lists(st.sampled_from("abc")), "combine": st.just("winners"),
                    "adopt": st.just("if_better"), "margin": SCALARS,
                    "baseline": st.fixed_dictionaries({"winner_of": st.sampled_from(["1", "2"])}),
                },
            ),
            max_size=3,
        ),
    },
)  # fmt: skip


def as_yaml(value: object) -> str:
    """Write a value as YAML in one line; words stay bare, so that they may be misread."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {as_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    return "null" if value is None else str(value)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(FILES)
def test_files_of_the_right_shape_with_any_content_are_planned_or_refused(
    tmp_path_factory: pytest.TempPathFactory, file: object
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    path = folder / "m.yaml"
    path.write_text(as_yaml(file), encoding="utf-8", errors="replace")
    try:
        plan_file(path, Options())
    except GolfError as error:
        assert all(p.what for p in error.problems)
    assert list(folder.iterdir()) == [path]
