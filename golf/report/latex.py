"""The tables as LaTeX, for a paper: ``booktabs`` and nothing else."""

from __future__ import annotations

from golf.report.sections import blocks
from golf.report.table import Analysis
from golf.report.tables.shape import DASH, Table

SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "−": "$-$", "±": r"$\pm$", "Δ": r"$\Delta$", "×": r"$\times$", DASH: "--", "…": r"\ldots{}",
    "✅": r"$\surd$", "❌": r"$\times$",
}  # fmt: skip


def as_latex(analysis: Analysis) -> str:
    """Return every table of the report; the preamble needs the package booktabs."""
    tables = [t for block in blocks(analysis) for t in block.tables]
    head = r"% \usepackage{booktabs}"
    return "\n\n".join([head, *map(_table, tables)]) + "\n"


def _table(table: Table) -> str:
    align = "l" * table.left + "r" * (len(table.columns) - table.left)
    lines = [_line(row) for row in table.rows]
    notes = [_escape(n) for n in table.notes]
    caption = [rf"\caption{{{' '.join([_escape(table.title), *notes]).strip()}}}"]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            *(caption if table.title or notes else []),
            rf"\begin{{tabular}}{{{align}}}",
            r"\toprule",
            _line(table.columns),
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _line(cells: tuple[str, ...]) -> str:
    """Return a line; ``{}`` keeps the one above from taking its first sign as an argument."""
    return "{}" + " & ".join(_escape(c) for c in cells) + r" \\"


def _escape(text: str) -> str:
    return " ".join("".join(SIGNS.get(sign, sign) for sign in text).split())
