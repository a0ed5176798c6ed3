"""The ablation table, what it cost, and its seeds one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from golf.records import ARTIFACT_LIMIT
from golf.report.study import EQUAL, HEADINGS, SAID, SCORES
from golf.report.table import Analysis, TableRow, main_score
from golf.report.tables.shape import (
    DASH,
    Table,
    general,
    megabytes,
    number,
    signed,
    table_of,
    with_std,
    without_empty,
)

LEGEND = (
    "Bits per byte, lower is better; mean ± sample standard deviation over n seeds. Δ is the "
    "mean difference in the named score to the named row over the seeds that both have, or of "
    "the means where none match; rows are judged by the first Δ, that of the last score that all "
    "rows have. Artifact: the largest "
    f"seed's bytes, model and code; ✅ within {ARTIFACT_LIMIT:,} bytes."
)


def main_table(table: Sequence[TableRow]) -> Table:
    """Return Row | Change | Pre-quant | Post-quant | Post-TTT | Artifact | Δ of each score."""
    parents = {row.parent for row in table if row.parent}
    single = parents <= {table[0].row}
    against = table[0].row if single else "parent"
    first, *more = _judged(table)
    deltas = {first: f"Δ {SAID[first]} vs {against}", **{s: f"Δ {SAID[s]}" for s in more}}
    further = [n for n in table[0].spreads if "_bpb " in n]
    lines = []
    for row in table:
        line = {"Row": row.row, "Change": row.info.change or DASH}
        line |= {HEADINGS[s]: with_std(row.spread(s)) for s in SCORES}
        line |= {geometry_heading(name): with_std(row.spread(name)) for name in further}
        line["Artifact"] = artifact(row)
        line |= {heading: _delta(row, name, single) for name, heading in deltas.items()}
        lines.append(line)
    made = table_of("main", "", lines, left=2)
    assert made is not None
    return made


def _judged(table: Sequence[TableRow]) -> list[str]:
    """Return the scores with a column of deltas: the one that rows are judged by comes first."""
    first = main_score(table)
    there = [s for s in ("post_bpb", "ttt_bpb") if any(r.spread(s).n for r in table)]
    return [first, *(s for s in there if s != first)]


def geometry_heading(name: str) -> str:
    """Return ``Post-quant sliding64`` for ``post_bpb sliding64``; of a budget what it equals."""
    kind, _, way = name.partition(" ")
    return f"{HEADINGS[kind]} {f'at {EQUAL[way]}' if way in EQUAL else way}"


def artifact(row: TableRow) -> str:
    """Return the largest artifact with the mark of the limit."""
    mark = {True: " ✅", False: " ❌", None: ""}[row.fits]
    if row.largest_bytes is not None:
        return megabytes(row.largest_bytes) + mark
    return f"{row.rounded.size / 1e6:.2f} MB, rounded{mark}" if row.rounded else DASH


def _delta(row: TableRow, name: str, single: bool) -> str:
    text = signed(row.delta(name))
    return text if single or text == DASH else f"{text} ({row.parent.strip()})"


def cost_table(table: Sequence[TableRow]) -> Table | None:
    """Return what each row took: steps, tokens, time and memory."""
    lines = [
        {
            "Row": row.row,
            "n": str(row.n),
            "Parameters": number(row.mean("parameters"), ",.0f"),
            "Steps": number(row.mean("steps"), ",.0f"),
            "Tokens": number(row.mean("tokens"), ",.0f"),
            "ms/step": number(row.mean("step_ms"), ".1f"),
            "Train s": number(row.mean("train_s"), ".1f"),
            "Peak MB": number(row.mean("peak_memory_mb"), ",.0f"),
            "Model bytes": number(row.mean("model_bytes"), ",.0f"),
            "Code bytes": number(row.mean("code_bytes"), ",.0f"),
        }
        for row in table
    ]
    made = without_empty(table_of("costs", "", lines, left=2))
    return replace(made, left=1) if made else None


def others_table(analysis: Analysis) -> Table | None:
    """Return the measures that golf has no name for, as the source calls them."""
    names = analysis.study.others
    lines = [
        {"Row": row.row, **{n: general(row.spread(n)) for n in names}} for row in analysis.table
    ]
    return table_of("others", "Other measures", lines) if names else None


def seed_table(analysis: Analysis) -> Table | None:
    """Return every seed by itself, with mean and sample standard deviation of each row."""
    if all(row.n < 2 for row in analysis.table):
        return None
    columns = ("Row", "Seed", *SEED_COLUMNS)
    rows = tuple(line for row in analysis.table for line in _seeds(analysis, row))
    return without_empty(Table("seeds", "Seeds", columns, rows, left=2, long=True))


SEED_COLUMNS = {  # measure and format; scores have that of their line
    "Steps": ("steps", ",.0f"),
    "ms/step": ("step_ms", ".1f"),
    **{HEADINGS[s]: (s, "") for s in SCORES},
    "Artifact": ("artifact_bytes", ",.0f"),
}


def _seeds(analysis: Analysis, row: TableRow) -> Iterator[tuple[str, ...]]:
    lines = analysis.values[row.row]
    for seed, line in lines.items():
        yield row.row, str(seed), *_seed_cells(line.get, ".4f")
    if len(lines) < 2:
        return
    yield row.row, "Mean", *_seed_cells(row.mean, ".4f")
    yield row.row, "Std", *_seed_cells(lambda measure: row.spread(measure).std, ".5f")


def _seed_cells(value_of: Callable[[str], float | None], form: str) -> list[str]:
    return [number(value_of(measure), own or form) for measure, own in SEED_COLUMNS.values()]


def budget_table(table: Sequence[TableRow]) -> Table | None:
    """Return what each row leaves of the 16,000,000 bytes, largest seed first to count."""
    lines = []
    for row in table:
        if row.largest_bytes is None:
            continue
        left = ARTIFACT_LIMIT - row.largest_bytes
        lines.append(
            {
                "Row": row.row,
                "Model": number(row.mean("model_bytes"), ",.0f"),
                "Code": number(row.mean("code_bytes"), ",.0f"),
                "Largest artifact": f"{row.largest_bytes:,}",
                "Bytes left": f"{left:,}".replace("-", "−"),
                "Fits": "yes" if row.fits else "no",
            }
        )
    title = f"Artifact budget: {ARTIFACT_LIMIT:,} bytes"
    notes = ("Means of model and code; the largest seed's artifact decides.",)
    return without_empty(table_of("budget", title, lines, notes=notes, long=True))
