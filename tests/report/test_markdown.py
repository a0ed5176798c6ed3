"""The markdown table, read back the way GitHub reads it."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.report.markdown import escape, grid
from golf.report.study import MEASURES, SCORES, StudyRow
from golf.report.table import Spread, TableRow
from golf.report.tables.main import cost_table, main_table
from golf.report.tables.shape import Table
from golf.statistics.delta import Delta
from golf.statistics.verdict import Judgement, Verdict

NONE = Spread(0, None, None)
ONE = Verdict.ONE_SEED
NASTY = [
    "a|b",
    "`x`",
    "<b>bold</b>",
    "two\nlines",
    "\\|",
    "*a* _b_ ~c~",
    "[l](u)",
    "&lt;",
    "#1",
    "—",
]
NAMES = st.text(min_size=1, max_size=20).filter(str.strip) | st.sampled_from(NASTY)


def made(name: str, parent: str = "", change: str = "", **deltas: float) -> TableRow:
    judged = {s: Judgement(Delta("none", 1, 1, d), None, None, ONE) for s, d in deltas.items()}
    info = StudyRow(name, change, parent)
    return TableRow(info, 0, dict.fromkeys(MEASURES, NONE), dict.fromkeys(SCORES) | judged)


def scored(name: str, parent: str = "", **scores: Spread) -> TableRow:
    row = made(name, parent)
    return replace(row, spreads={**row.spreads, **scores})


def cells(line: str) -> list[str]:
    """Split a table line on the pipes that no backslash escapes."""
    found = re.findall(r"((?:\\.|[^|\\])*)\|", line, re.DOTALL)
    assert found[0] == ""
    return [cell.strip() for cell in found[1:]]


def shown(cell: str) -> str:
    """Return what a reader sees of an escaped cell."""
    return html.unescape(re.sub(r"\\(.)", r"\1", cell))


def read(table: Table | None) -> list[dict[str, str]]:
    """Parse a markdown table; every line must have as many cells as the head."""
    assert table is not None
    head, rule, *lines = grid(table).split("\n")
    assert all(re.fullmatch(r":?-+:?", c) for c in cells(rule))
    assert all(len(cells(line)) == len(cells(head)) for line in (rule, *lines))
    return [dict(zip(map(shown, cells(head)), cells(line), strict=True)) for line in lines]


def plain(text: str) -> str:
    return " ".join(text.split())


@given(NAMES, NAMES, NAMES)
def test_any_row_name_and_change_are_shown_as_they_are(
    first: str, second: str, change: str
) -> None:
    table = [made(first), made(second, first, change=change)]
    lines = read(main_table(table))
    assert [shown(line["Row"]) for line in lines] == [plain(first), plain(second)]
    assert shown(lines[1]["Change"]) == plain(change)


@given(NAMES)
def test_any_parent_is_shown_as_it_is(parent: str) -> None:
    table = [made("base"), made(parent, "base"), made("x", parent, post_bpb=0.5)]
    (delta,) = {k: v for k, v in read(main_table(table))[2].items() if k.startswith("Δ")}.values()
    assert parent == "base" or shown(delta) == f"+0.5000 ({plain(parent)})"


@pytest.mark.parametrize("sign", "\\`*_{}[]#|~<>&")
def test_no_sign_is_left_to_act(sign: str) -> None:
    escaped = escape(f"a{sign}b")
    assert escaped in (f"a\\{sign}b", f"a{html.escape(sign)}b")
    assert shown(escaped) == f"a{sign}b"


@given(st.text(max_size=60))
def test_an_escaped_text_is_one_line_and_reads_the_same(text: str) -> None:
    assert len(escape(text).splitlines()) <= 1
    assert shown(escape(text)) == plain(text)


@given(st.lists(st.text(max_size=8) | st.sampled_from(["a b", "−0.5", "a_b"]), max_size=4))
def test_a_column_is_escaped_as_its_cells_are(texts: list[str]) -> None:
    table = Table("t", "", ("Head",), tuple((text,) for text in texts))
    lines = grid(table).split("\n")[2:]
    assert [line[1:-1].strip() for line in lines] == [escape(text) for text in texts]


def test_scores_are_means_with_the_deviation_where_there_is_one() -> None:
    row = scored("a", pre_bpb=Spread(3, 1.23456, 0.00123), post_bpb=Spread(1, 1.5, None))
    (line,) = read(main_table([row]))
    assert line["Pre-quant"] == "1.2346 ± 0.0012"
    assert line["Post-quant"] == "1.5000"
    assert line["Post-TTT"] == "—"


def test_what_is_missing_is_a_dash() -> None:
    (line,) = read(main_table([made("a")]))
    assert [v for k, v in line.items() if k != "Row"] == ["—"] * (len(line) - 1)
    known = scored("b", steps=Spread(1, 10.0, None))
    unknown, _ = read(cost_table([made("a"), known]))
    assert unknown == {"Row": "a", "n": "0", "Steps": "—"}
    assert cost_table([made("a")]) is None


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (-0.01234, "−0.0123"),
        (0.01234, "+0.0123"),
        (0.0, "+0.0000"),
        (-0.00001234, "−1.2e−05"),
        (1e-17, "+0.0000"),
        (None, "—"),
    ],
)
def test_deltas_bear_a_sign_and_a_true_minus(delta: float | None, text: str) -> None:
    there = {} if delta is None else {"post_bpb": delta}
    lines = read(main_table([made("base"), made("x", "base", pre_bpb=9.0, **there)]))
    assert lines[1]["Δ post-quant vs base"] == text
    assert lines[0]["Δ post-quant vs base"] == "—"


def test_a_delta_to_another_row_than_the_first_names_it() -> None:
    table = [made("base"), made("x", "base", post_bpb=-0.5), made("y", "x", post_bpb=-0.5)]
    lines = read(main_table(table))
    deltas = [line["Δ post-quant vs parent"] for line in lines]
    assert deltas == ["—", "−0.5000 (base)", "−0.5000 (x)"]


@pytest.mark.parametrize(
    ("theirs", "headings"),
    [
        (("post_bpb", "ttt_bpb"), ["Δ post-TTT vs base", "Δ post-quant"]),
        (("post_bpb",), ["Δ post-quant vs base", "Δ post-TTT"]),
        (("pre_bpb",), ["Δ pre-quant vs base", "Δ post-quant", "Δ post-TTT"]),
        ((), ["Δ post-TTT vs base", "Δ post-quant"]),
    ],
)
def test_the_first_delta_is_that_of_the_last_score_that_all_rows_have(
    theirs: tuple[str, ...], headings: list[str]
) -> None:
    one = Spread(1, 1.5, None)
    base = scored("base", **dict.fromkeys(theirs, one))
    deltas = {s: 0.1 * i for i, s in enumerate(SCORES, 1)}
    adapted = replace(made("x", "base", **deltas), spreads=dict.fromkeys(SCORES, one))
    line = read(main_table([base, adapted]))[1]
    assert [h for h in line if h.startswith("Δ")] == headings
    shown = {"Δ pre-quant": "+0.1000", "Δ post-quant": "+0.2000", "Δ post-TTT": "+0.3000"}
    assert [line[h] for h in headings] == [shown[h.removesuffix(" vs base")] for h in headings]


def test_rows_without_test_time_training_have_no_column_for_its_delta() -> None:
    assert "Δ post-TTT" not in read(main_table([made("base")]))[0]


@pytest.mark.parametrize(
    ("largest", "text"),
    [
        (16_000_000, "16.00 MB (16,000,000) ✅"),
        (16_000_001, "16.00 MB (16,000,001) ❌"),
        (1_234_567, "1.23 MB (1,234,567) ✅"),
    ],
)
def test_an_artifact_is_shown_in_decimal_megabytes_and_exact_bytes(largest: int, text: str) -> None:
    row = scored("a", artifact_bytes=Spread(2, largest - 500.0, 1.0))
    assert read(main_table([replace(row, largest_bytes=largest)]))[0]["Artifact"] == text


def test_further_geometries_get_columns_of_their_own() -> None:
    row = scored("a")
    more = {**row.spreads, "post_bpb sliding64": Spread(1, 1.25, None)}
    (line,) = read(main_table([replace(row, spreads=more)]))
    assert line["Post-quant sliding64"] == "1.2500"


def test_costs_are_means_with_thousands_set_apart() -> None:
    row = scored("a", steps=Spread(2, 4900.0, 1.0), step_ms=Spread(2, 12.34, 0.1))
    (line,) = read(cost_table([replace(row, n=2)]))
    assert (line["n"], line["Steps"], line["ms/step"]) == ("2", "4,900", "12.3")
