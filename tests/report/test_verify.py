"""Pasted tables against results: what differs is found, what only looks different is not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from golf.report.markdown import render
from golf.report.table import Analysis, analyze
from golf.report.tidy import read_tidy
from golf.report.verify import Verification, told, verify
from tests.report.made import row, study

BASE = {1: (1.10, 1.2000), 2: (1.11, 1.2100), 3: (1.12, 1.2400)}
WIDE = {1: (1.00, 1.1004), 2: (1.01, 1.1104), 3: (1.02, 1.1404)}


@pytest.fixture
def analysis() -> Analysis:
    return analyze(
        study(
            row("base", BASE, artifact_bytes=15_900_000),
            row("wi|de_*", WIDE, "base", artifact_bytes=16_000_001),
        )
    )


def pasted(*cells: str, heading: str = "Post-quant") -> str:
    rows = "".join(f"| base | {c} |\n" for c in cells)
    return f"| Row | {heading} |\n|:--|--:|\n{rows}"


SAME = ["1.2167 ± 0.0208", "1.217", "**1.2167**", "1.22 ± 0.02", "1.21670"]


def only(found: Verification) -> str:
    (difference,) = found.differences
    return str(difference)


def test_a_report_agrees_with_itself(analysis: Analysis) -> None:
    ways = (("base", "post chunked", "1.2167"), ("base", "TTT sgd", "1.1900"))
    scoring = tuple((*way, "1.0", "600", "✅") for way in ways)
    analysis = replace(analysis, study=replace(analysis.study, scoring=scoring))
    found = verify(render(analysis), analysis)
    assert found.differences == ()
    assert found.unknown == ()
    assert found.checked > 40


@pytest.mark.parametrize("fold", [False, True])
def test_every_changed_number_is_found(analysis: Analysis, fold: bool) -> None:
    text = render(analysis, fold)
    line = next(x for x in text.splitlines() if x.startswith("| base"))
    found = verify(text.replace(line, line.replace("1.2167", "1.2168")), analysis)
    assert only(found).startswith("base | Post-quant: the table says 1.2168")


@pytest.mark.parametrize("cell", SAME)
def test_fewer_decimals_and_bold_are_no_difference(analysis: Analysis, cell: str) -> None:
    assert verify(pasted(cell), analysis).differences == ()


@pytest.mark.parametrize("cell", ["1.2166", "1.216", "1.2167 ± 0.0300", "—", "1.2167 ± 0.0208 ± 1"])
def test_other_numbers_are_a_difference(analysis: Analysis, cell: str) -> None:
    assert only(verify(pasted(cell), analysis)).startswith("base | Post-quant")


SIZE = "16.00 MB (16,000,001) ❌"
SIZES = [SIZE, "16,000,001", "**16,000,001 bytes** ❌", "16.0 mb ❌", "16.00 (16,000,001)", "❌"]


@pytest.mark.parametrize("cell", SIZES)
def test_a_size_may_be_given_with_less(analysis: Analysis, cell: str) -> None:
    text = pasted(cell, heading="Artifact").replace("base", "wi\\|de\\_\\*")
    assert verify(text, analysis).differences == ()


@pytest.mark.parametrize(
    "cell",
    [SIZE.replace("❌", "✅"), SIZE.replace("MB", "MiB"), "16,000,001 MB", "16,000,002", "✅", "1"],
)
def test_another_mark_or_unit_is_a_difference(analysis: Analysis, cell: str) -> None:
    text = render(analysis).replace(SIZE, cell)
    told = f"wi|de_* | Artifact: the table says {cell}, "
    assert only(verify(text, analysis)).startswith(told)


def test_a_unit_that_only_a_heading_names_is_not_asked_for() -> None:
    found = analyze(study(row("base", BASE, peak_memory_mb=1234.0)))
    assert verify(pasted("1,234 MB", heading="Peak MB"), found).differences == ()


def test_a_small_p_value_is_one_number() -> None:
    tested = row("x", {s: (1.0, 1.1 + s * 1e-6) for s in range(3)}, "base")
    found = analyze(study(row("base", {s: (1.0, 1.2 + s * 1e-5) for s in range(3)}), tested))
    p = next(w for w in render(found).split("| ") if re.fullmatch(r"\de-\d+ ", w))
    assert verify(render(found), found).differences == ()
    assert verify(render(found).replace(p, f"{p[0]} "), found).differences


def test_a_population_deviation_is_named(analysis: Analysis) -> None:
    assert "that is the population deviation" in only(verify(pasted("1.2167 ± 0.0170"), analysis))
    assert "population" not in only(verify(pasted("1.3167 ± 0.02"), analysis))


def test_a_hyphen_is_a_minus(analysis: Analysis) -> None:
    text = "| Experiment | Delta |\n|---|---|\n| wi\\|de\\_\\* | -0.0996 |\n"
    found = verify(text, analysis)
    assert (found.checked, found.differences) == (1, ())


ADAPTED = (
    row("base", {s: (1.07, 1.08 + s * 1e-4, 1.07 + s * 1e-4) for s in range(3)}),
    row("x", {s: (1.07, 1.08 + s * 1e-4, 1.06 + s * 1e-4) for s in range(3)}, "base"),
    row("y", {s: (1.07, 1.09 + s * 1e-4, 1.07 + s * 1e-4) for s in range(3)}, "base"),
)


@pytest.mark.parametrize(
    ("heading", "deltas", "differing"),
    [
        ("Δ", ("-0.0100", "0.0000"), 0),
        ("Delta vs base", ("0.0000", "+0.0100"), 0),
        ("Δ", ("-0.0100", "+0.0100"), 1),  # a column of two scores
        ("Δ post-TTT (bpb)", ("-0.0100", "0.0000"), 0),
        ("Δ TTT vs base", ("0.0000", "+0.0100"), 2),
        ("Δ post-quant", ("0.0000", "+0.0100"), 0),
    ],
)
def test_a_delta_is_held_against_the_score_that_its_heading_names(
    heading: str, deltas: tuple[str, str], differing: int
) -> None:
    rows = "".join(f"| {n} | 1.07 | {d} |\n" for n, d in zip("xy", deltas, strict=True))
    text = f"| # | Experiment | Pre | {heading} |\n|--|--|--|--|\n" + rows.replace("| x", "| 1 | x")
    text = text.replace("| y", "| 2 | y")
    found = verify(text, analyze(study(*ADAPTED)))
    assert (found.checked, len(found.differences)) == (4, differing)
    assert found.unknown == ("column #",)


def test_what_the_results_do_not_know_is_said(analysis: Analysis) -> None:
    text = "| Row | Post-quant | Loss |\n|--|--|--|\n| base | 1.2167 | 3 |\n| other | 1.0 | 2 |\n"
    found = verify(text, analysis)
    assert found.unknown == ("column Loss", "row other")
    assert told(found).splitlines()[-1] == "1 cells checked, 0 differ"


@pytest.mark.parametrize("name", ["base", "`base`", "*base*", "__base__", "a__b", "`a__b`"])
def test_a_row_is_known_by_what_its_name_shows(name: str) -> None:
    rows = (row("base", (1.0, 1.2167)), row("a__b", (1.0, 1.2167), "base"))
    found = verify(pasted("1.2167").replace("base", name), analyze(study(*rows)))
    assert (found.checked, found.differences, found.unknown) == (1, (), ())


def test_seeds_are_told_apart(analysis: Analysis) -> None:
    text = "| Row | Seed | Post-quant |\n|--|--|--|\n| base | 1 | 1.2000 |\n| base | 2 | 1.2000 |\n"
    assert only(verify(text, analysis)).startswith("base 2 | Post-quant: the table says 1.2000")


def test_the_published_table_of_pull_request_1970_holds_but_for_its_units() -> None:
    """The scores as its README prints them; the size of row 5 stands there in MiB."""
    path = Path(__file__).parents[1] / "data" / "published" / "pr1970.csv"
    text = (
        "| Experiment | Pre-quant BPB | Post-quant BPB | Post-TTT BPB | Artifact |\n"
        "|--|--|--|--|--|\n"
        "| gates_caseops | 1.0712 | 1.0781 | 1.0674 | 16.93 MB |\n"
        "| v2_baseline | 1.0718 | 1.0941 | 1.0819 | 15.15 MB |\n"
    )
    found = verify(text, analyze(read_tidy(path)))
    assert found.checked == 8
    assert only(found).startswith("v2_baseline | Artifact: the table says 15.15 MB")
