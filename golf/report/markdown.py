"""The report as GitHub markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from golf.report.sections import Block, blocks
from golf.report.table import Analysis
from golf.report.tables.shape import Table


def render(
    analysis: Analysis, fold: bool = False, pictures: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Return the whole report.

    Args:
        analysis: what to report.
        fold: put long tables into ``<details>``.
        pictures: by title, the path of each picture by theme, relative to the report.
    """
    study = analysis.study
    parts = [f"# {escape(study.name)}", escape(study.question), _banner(analysis)]
    parts.append("\n".join(f"- {n}: {escape(text)}" for n, text in study.header.items()))
    for block in blocks(analysis):
        parts += list(_block(block, fold))
    if pictures:
        parts += ["## Pictures", *(_picture(title, files) for title, files in pictures.items())]
    if study.commands:
        parts += ["To repeat it:", "```\n" + "\n".join(study.commands) + "\n```"]
    return "\n\n".join(p for p in parts if p) + "\n"


def _picture(title: str, files: Mapping[str, str]) -> str:
    """Return a picture that follows the reader's theme on GitHub, at 800 pixels."""
    dark, light = (quote(files[theme]) for theme in ("dark", "light"))
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{escape_html(title)}" src="{light}" width="800"></picture>'
    )


def _banner(analysis: Analysis) -> str:
    missing, cells = analysis.study.missing, len(analysis.study.lines)
    return f"> **{missing} of {cells} cells missing**" if missing else ""


def _block(block: Block, fold: bool) -> Iterator[str]:
    if block.title:
        yield f"## {escape(block.title)}"
    yield "\n".join(f"- {escape(text)}" for text in block.sentences)
    for table in block.tables:
        yield from _titled(table, fold)


def _titled(table: Table, fold: bool) -> Iterator[str]:
    notes = " ".join(escape(n) for n in table.notes)
    if fold and table.long:
        summary = escape_html(table.title)
        yield f"<details><summary>{summary}</summary>"
        yield from (grid(table), notes, "</details>")
        return
    yield f"### {escape(table.title)}" if table.title else ""
    yield from (grid(table), notes)


def grid(table: Table) -> str:
    """Return the table alone, its columns padded for who reads the source."""
    columns = [_escape_all(c) for c in zip(table.columns, *table.rows, strict=True)]
    widths = [max(len(c[0]) + 2, *map(len, c)) for c in columns]
    sides = [str.ljust if i < table.left else str.rjust for i in range(len(widths))]
    padded = [
        [pad(cell, width) for cell in column]
        for column, width, pad in zip(columns, widths, sides, strict=True)
    ]
    head, *body = (f"| {' | '.join(line)} |" for line in zip(*padded, strict=True))
    rule = "|".join(
        ":" + "-" * (w + 1) if pad is str.ljust else "-" * (w + 1) + ":"
        for w, pad in zip(widths, sides, strict=True)
    )
    return "\n".join([head, f"|{rule}|", *body])


def plain_grid(table: Table) -> str:
    """Return the table for a terminal, where nothing has to be escaped."""
    from tabulate import tabulate  # noqa: PLC0415 (start-up: the report itself needs none)

    align = ["left"] * table.left + ["right"] * (len(table.columns) - table.left)
    return tabulate(table.rows, table.columns, "simple", colalign=align, disable_numparse=True)


def escape_html(text: str) -> str:
    """Return ``text`` so that no tag or entity in it acts."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


ESCAPES = {sign: "\\" + sign for sign in "\\`*_{}[]#|~$"} | {
    "&": "&amp;", "<": "&lt;", ">": "&gt;"
}  # fmt: skip


def escape(text: str) -> str:
    """Return ``text`` so that GitHub shows it literally, also inside a table cell."""
    return _literal(" ".join(text.split()))


def _literal(text: str) -> str:
    for sign, shown in ESCAPES.items():
        text = text.replace(sign, shown)
    return text


def _escape_all(cells: Sequence[str]) -> list[str]:
    """Return the cells escaped; at once where none has a space to be left out."""
    text = " ".join(cells)
    if text.isprintable() and "  " not in f" {text} ":
        return _literal("\n".join(cells)).split("\n")
    return [escape(cell) for cell in cells]
