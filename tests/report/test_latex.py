"""LaTeX of hostile tables: every sign is text, every line has its cells."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from golf.report.latex import as_latex
from golf.report.table import analyze
from tests.report.made import row, study

NAMES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=20)


@given(NAMES | st.sampled_from(["[hostile]", "*", "[2ex"]))
def test_no_sign_of_a_name_acts(name: str) -> None:
    rows = row("base", (1.0, 1.1)), row(f"{name}x", (1.0, 1.2), "base", change=name)
    text = as_latex(analyze(study(*rows)))
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0]
    for line in body.strip().splitlines():
        assert line.endswith(r" \\")
        assert line.startswith("{}")  # or \\ and \midrule would take [ and * as arguments
        cells = re.findall(r"(?<!\\)&", line)
        assert len(cells) == 6
        bare = re.sub(r"\\(?:[a-z]+\{\}|[&%$#_{}])|\$[-+<>]?(?:\\[a-zA-Z]+)?\$", "", line[2:-3])
        assert not re.search(r"[%$#_{}~^\\]", bare), line


def test_tables_are_complete() -> None:
    text = as_latex(analyze(study(row("base", (1.0, 1.1)), row("x", (1.0, 1.2), "base"))))
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\toprule")
    assert "+0.1000" in text


def test_marks_read_well_in_cells_and_in_sentences() -> None:
    rows = row("base", (1.0, 1.1), artifact_bytes=1.0), row("x", (1, 1), artifact_bytes=2e7)
    text = as_latex(analyze(study(*rows)))
    assert r"0.00 MB (1) $\surd$" in text
    assert r"20.00 MB (20,000,000) $\times$" in text
    assert r"$\surd$ within 16,000,000 bytes" in text
