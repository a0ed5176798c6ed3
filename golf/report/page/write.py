"""A study to one self-contained HTML file; nothing in it is fetched, nothing in it is trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from golf.config.values import format_value
from golf.report.sections import Block, blocks
from golf.report.study import Study
from golf.report.table import Analysis, TableRow
from golf.report.tables.shape import Table

FILES = Path(__file__).parent
MOST_CURVES = 500
POINTS = 200
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
FILTER = '<p><input id="filter" type="search" placeholder="filter rows" aria-label="filter"></p>'
WORDS = ("better", "worse")


def render_page(analysis: Analysis) -> str:
    """Return the page: tables as HTML, so that it reads without scripts too, and data for them."""
    study = analysis.study
    missing = f"<p><strong>{study.missing} of {len(study.lines)} cells missing</strong></p>"
    again = escape("\n".join(study.commands))
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(study.name)}</title>",
        f"<style>{(FILES / 'page.css').read_text()}</style></head><body>",
        f"<h1>{escape(study.name)}</h1><p>{escape(study.question)}</p>",
        missing if study.missing else "",
        _header(study),
        *(html for i, block in enumerate(blocks(analysis)) for html in _block(block, first=not i)),
        f"<p>To repeat it:</p><pre>{again}</pre>" if again else "",
        '<div id="curve" aria-hidden="true"></div>',
        f'<script type="application/json" id="data">{_data(analysis)}</script>',
        f"<script>{(FILES / 'page.js').read_text()}</script></body></html>",
    ]
    return "\n".join(p for p in parts if p) + "\n"


def _header(study: Study) -> str:
    facts = (f"<dt>{escape(n)}</dt><dd>{escape(text)}</dd>" for n, text in study.header.items())
    return f"<dl>{''.join(facts)}</dl>"


def _block(block: Block, first: bool) -> Iterator[str]:
    if block.title:
        yield f"<h2>{escape(block.title)}</h2>"
    if block.sentences:
        kind = ' class="warnings"' if block.title == "Warnings" else ""
        items = "".join(f"<li>{escape(s)}</li>" for s in block.sentences)
        yield f"<ul{kind}>{items}</ul>"
    for table in block.tables:
        if first and table.name == "main":
            yield FILTER
        if table.long:
            yield f"<details><summary>{escape(table.title)}</summary>{_table(table)}</details>"
        else:
            yield (f"<h3>{escape(table.title)}</h3>" if table.title else "") + _table(table)


def _table(table: Table) -> str:
    is_main = table.name == "main"
    sides = ["left" if i < table.left else "right" for i in range(len(table.columns))]
    head = "".join(
        f'<th class="{side}" scope="col"><button type="button">{escape(c)}</button></th>'
        for side, c in zip(sides, table.columns, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(c, sides[i], is_main and not i) for i, c in enumerate(row)) + "</tr>"
        for row in table.rows
    )
    notes = "".join(f"<p>{escape(n)}</p>" for n in table.notes)
    kind = ' class="main"' if is_main else ""
    return (
        f'<div class="scroll"><table{kind} data-sortable><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{notes}"
    )


def _cell(text: str, side: str, is_name: bool) -> str:
    shown = escape(text)
    if is_name:
        shown = f'<button type="button" aria-expanded="false">{shown}</button>'
    word = f" {text}" if text in WORDS else ""
    return f'<td class="{side}{word}">{shown}</td>'


def _data(analysis: Analysis) -> str:
    """Return settings and curves as JSON that cannot end the script element it stands in."""
    rows = [_about(analysis, row, i < MOST_CURVES) for i, row in enumerate(analysis.table)]
    text = json.dumps({"rows": rows}, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _about(analysis: Analysis, row: TableRow, with_curve: bool) -> dict[str, Any]:
    info = row.info
    about: dict[str, Any] = {
        "name": row.row,
        "settings": [[n, format_value(v), n in info.own] for n, v in info.settings.items()],
    }
    seeds = list(analysis.values[row.row])
    curve = analysis.study.curve(row.row, seeds[0]) if with_curve and seeds else None
    if curve and len(curve.steps) > 1:
        every = max(1, len(curve.steps) // POINTS)
        about["curve"] = {"x": list(curve.steps[::every]), "y": list(curve.loss[::every])}
    return about
