"""Pasted markdown is read as GitHub shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.report.markdown import escape
from golf.report.pasted import read_tables, shown

SHOWN = {
    "a__b": "a__b",
    "__a__b__": "a__b",
    "a_b_c": "a_b_c",
    "__a__": "a",
    "_a_": "a",
    "_a": "_a",
    "a\\_\\_b": "a__b",
    "\\*a\\*": "*a*",
    "*a*": "a",
    "**a**": "a",
    "***a***": "a",
    "**a *b* c**": "a b c",
    "*a **b** c*": "a b c",
    "2 * 3 * 4": "2 * 3 * 4",
    "`a`": "a",
    "`a__b` or `*c*`": "a__b or *c*",
    "``a`b``": "a`b",
    "`a\\|b`": "a|b",
    "`a": "`a",
    "&lt;a&gt; &amp;lt;": "<a> &lt;",
    "`&lt;`": "&lt;",
}


@pytest.mark.parametrize("text", SHOWN)
def test_marks_are_read_as_they_act(text: str) -> None:
    assert shown(text) == SHOWN[text]


@given(st.text() | st.text("ab_*`\\|&lt;~ <0", max_size=12))
def test_what_a_report_escapes_is_read_back(name: str) -> None:
    text = f"| {escape(name)} | Δ |\n|--|--|\n"
    bare = " ".join(name.replace("\0", "").split())
    assert list(read_tables(text)) == [("", [[bare, "Δ"]])]
