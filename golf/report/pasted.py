"""A pasted markdown text to its tables, in the words that GitHub shows."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
CELL = re.compile(r"((?:\\.|[^|\\])*)(?:\||$)", re.S)
TITLE = re.compile(r"#+ (.*)|.*<summary>(.*)</summary>")
# What no mark acts in: an escaped sign, and code.
LITERAL = re.compile(r"\\([!-/:-@\[-`{-~])|(?<!`)(`+)(?!`)(.+?)(?<!`)\2(?!`)")
STARS = [re.compile(rf"\*{{{n}}}(?=\S)(.+?)(?<=\S)\*{{{n}}}") for n in (3, 2, 1)]
LINES = [re.compile(rf"(?<!\w)_{{{n}}}(?=\S)(.+?)(?<=\S)_{{{n}}}(?!\w)") for n in (3, 2, 1)]


def read_tables(text: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield the title above each pipe table, and its lines of plain text, the headings first."""
    lines = text.splitlines()
    title = ""
    for i, line in enumerate(lines[1:], 1):
        titled = TITLE.match(lines[i - 1])
        title = shown(titled[1] or titled[2]) if titled else title
        if "|" in lines[i - 1] and "-" in line and RULE.match(line.strip()):
            end = i + 1
            while end < len(lines) and "|" in lines[end]:
                end += 1
            yield title, [_cells(x) for x in (lines[i - 1], *lines[i + 1 : end])]


def _cells(line: str) -> list[str]:
    line = line.strip().removeprefix("|")
    return [shown(m[1]) for m in CELL.finditer(line) if m[0]]


def shown(text: str) -> str:
    """Return what a reader sees of a line: without marks of emphasis and code, signs as meant."""
    literal: list[str] = []

    def put_away(found: re.Match[str]) -> str:
        literal.append(found[1] or found[3].replace(r"\|", "|"))
        return "\0"

    bare = LITERAL.sub(put_away, text.replace("\0", ""))
    for mark in (*STARS, *LINES):
        bare = mark.sub(r"\1", bare)
    parts = html.unescape(bare).split("\0")
    return " ".join("".join(map("".join, zip(parts, [*literal, ""], strict=True))).split())
