"""Broken matrix files of every kind: one clear message, never a traceback, a hang or a file."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golf.config.load import SECTIONS, preset_names
from golf.config.schema import KNOBS
from golf.errors import GolfError
from golf.plan.ledger import Options, plan_file
from golf.plan.show import PlanView, plan_lines
from tests.guarded import guarded

REPO = Path(__file__).parents[1]
SHIPPED = {path.name: path.read_bytes() for path in sorted((REPO / "matrices").glob("*.yaml"))}
READERS = {  # who else reads a file
    "gates-rope-slope.yaml": "gates-rope-slope-seeds.yaml",
    "depth-width.yaml": "attention.yaml",
}
SIGNS = b"{}[]:,-&*#?|>!%@`'\"\n\t =/\\\x00\xff0179.eE+~abz"
NUMBERS = (b"0", b"-1", b"1", b"7", b"0.5", b"1e999", b".nan", b"99999", b"9" * 18, b"9" * 40)


def understand(path: Path) -> bool:
    """Plan a file as `golf plan` does; a mistake of the user's is fine, all else is ours."""
    try:
        with guarded():
            return bool(list(plan_lines(PlanView(plan_file(path, Options())))))
    except GolfError as error:
        assert error.problems
        assert all(p.what for p in error.problems)
        return False


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


def truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def swap_lines(data: bytearray, rng: random.Random) -> None:
    lines = bytes(data).split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    data[:] = b"\n".join(lines)


def swap_words(data: bytearray, rng: random.Random) -> None:
    """Put one word of the file in the place of another."""
    words = list(re.finditer(rb"[\w.-]+", data))
    if words:
        old, new = rng.choice(words), rng.choice(words)
        data[old.start() : old.end()] = new[0]


def other_number(data: bytearray, rng: random.Random) -> None:
    numbers = list(re.finditer(rb"\b[0-9][0-9.]*\b", data))
    if numbers:
        old = rng.choice(numbers)
        data[old.start() : old.end()] = rng.choice(NUMBERS)


def graft(data: bytearray, rng: random.Random) -> None:
    """Put lines of another file into this one."""
    lines, others = bytes(data).split(b"\n"), rng.choice([*SHIPPED.values()]).split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(others))
    lines[i:i] = others[j : j + rng.randint(1, 6)]
    data[:] = b"\n".join(lines)


MUTATORS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip, sign, insert, cut, repeat, truncate, swap_lines,
    swap_words, swap_words, other_number, other_number, graft,
)  # fmt: skip


def mutated(whole: bytes, rng: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 3))):
        rng.choice(MUTATORS)(data, rng)
        data = data or bytearray(b"a")
    return bytes(data)


@pytest.mark.parametrize(
    ("seed", "number"), [(0, 300), *(pytest.param(s, 2500, marks=pytest.mark.slow) for s in "1234")]
)
def test_shipped_matrices_with_damaged_bytes_are_understood_or_refused(
    tmp_path: Path, seed: int | str, number: int
) -> None:
    """A damaged file is planned, and so is the file that includes it or waits for its winner."""
    folder = tmp_path / "matrices"
    folder.mkdir()
    for name, whole in SHIPPED.items():
        (folder / name).write_bytes(whole)
    rng, planned = random.Random(seed), 0
    for case in range(number):
        name = rng.choice([*SHIPPED])
        data = mutated(SHIPPED[name], rng)
        (folder / name).write_bytes(data)
        for reader in filter(None, (name, READERS.get(name))):
            try:
                planned += understand(folder / reader)
            except Exception as error:
                raise AssertionError(f"case {case}, {reader} where {name} is {data!r}") from error
        (folder / name).write_bytes(SHIPPED[name])
    assert number / 10 < planned < number
    assert [path.name for path in tmp_path.iterdir()] == ["matrices"]
    assert sorted(path.name for path in folder.iterdir()) == [*SHIPPED]


SCALARS = st.one_of(
    st.integers(-(10**20), 10**20), st.integers(0, 9), st.floats(), st.booleans(), st.none(),
    st.sampled_from(["off", "= n_head / 2", "= depth", "20 steps", "all", "none", "SL", "010"]),
    st.text(max_size=8),
)  # fmt: skip
SMALL = st.sampled_from([0, 0.001, 0.05]) | SCALARS
SEEDS = st.lists(st.integers(1337, 1340), min_size=1, max_size=3, unique=True)
RULES = st.fixed_dictionaries(
    {"max": st.integers(2, 6), "until": st.fixed_dictionaries({"p": SMALL, "margin": SMALL})},
    optional={"min": st.integers(1, 4)},
)
NAMES = st.one_of(st.sampled_from(sorted(KNOBS)), st.sampled_from(["parent", "note", "a", "b"]))
BODIES = st.dictionaries(NAMES, SCALARS, min_size=1, max_size=4)
TTT = st.sampled_from(["none", "sgd"])
ROWS = st.fixed_dictionaries(
    {"logit_softcap": st.integers(10, 40)},
    optional={
        "seeds": SEEDS, "parent": st.sampled_from(["a", "base"]), "same_as": st.just("a"),
        "ttt": TTT, "depth": st.sampled_from([2, "= depth + 1"]),
    },
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
AXES = st.dictionaries(NAMES, st.lists(SCALARS, max_size=3), max_size=3)
MEASURES = st.sampled_from(["pre", "post", "ttt"])
WINNERS = st.sampled_from(["1", "2", "x", "base.yaml", "m.yaml", "none.yaml", "/dev/zero.yaml"])
WAVES = st.one_of(
    st.fixed_dictionaries(
        {"rows": st.lists(st.sampled_from("abc"), min_size=1, max_size=2), "margin": SMALL},
        optional={
            "adopt": st.just("if_better"), "name": st.sampled_from(["x", "a", "base"]),
            "by": MEASURES, "baseline": st.fixed_dictionaries({"winner_of": WINNERS}),
        },
    ),
    st.just({"combine": "winners", "name": "all"}),
)  # fmt: skip
INCLUDED = st.sampled_from(["base.yaml", "m.yaml", "none.yaml", ".", "/dev/zero", '"a\\0b"'])
SOUND = st.fixed_dictionaries(
    {"rows": st.dictionaries(st.sampled_from("abc"), ROWS, max_size=3)},
    optional={
        "preset": st.sampled_from(preset_names()),
        "seeds": SEEDS | RULES,
        "waves": st.lists(WAVES, max_size=2),
        "baseline": st.fixed_dictionaries({"name": st.just("base"), "ttt": TTT}),
    },
)
WILD = st.fixed_dictionaries(
    {},
    optional={
        "preset": SCALARS, "include": st.lists(INCLUDED, max_size=2) | TREES, "grid": AXES,
        "factors": AXES, "baseline": BODIES, "rows": st.dictionaries(st.sampled_from("ab"), BODIES),
    },
)  # fmt: skip
ODD = st.dictionaries(st.sampled_from(sorted(SECTIONS)), TREES, min_size=1, max_size=2)
FILES = st.tuples(SOUND, st.just({}) | WILD | ODD).map(lambda parts: {**parts[0], **parts[1]})


def as_yaml(value: object) -> str:
    """Write a value as YAML in one line; words stay bare, so that they may be misread."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {as_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_yaml, value)) + "]"
    return "null" if value is None else str(value)


@pytest.mark.parametrize("number", [150, pytest.param(5000, marks=pytest.mark.slow)])
def test_files_of_the_right_shape_with_any_content_are_planned_or_refused(
    tmp_path: Path, number: int
) -> None:
    path, base, planned = tmp_path / "m.yaml", tmp_path / "base.yaml", []
    base.write_text("seeds: [1337, 1338]\nrows: {b: {bits: 5}, c: {ttt: sgd}}\n")

    @settings(
        max_examples=number, deadline=None, derandomize=True, database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    @given(FILES)
    def plan_any(file: object) -> None:
        path.write_text(as_yaml(file), encoding="utf-8", errors="replace")
        planned.append(understand(path))

    plan_any()
    assert number / 10 < sum(planned) < number
    assert sorted(tmp_path.iterdir()) == [base, path]


def test_a_case_may_neither_write_nor_hang(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"open .*lost"), guarded():
        (tmp_path / "lost").write_text("x")
    with pytest.raises(AssertionError, match=r"not done in 0\.1 s"), guarded(0.1):
        time.sleep(5)
