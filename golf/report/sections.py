"""The order of a report: which tables and sentences, in blocks that every format lays out."""

from __future__ import annotations

from collections.abc import Iterator

from golf.frozen import Frozen
from golf.report.cautions import cautions
from golf.report.effects import effect_tables
from golf.report.findings import findings
from golf.report.scoring import COLUMNS
from golf.report.study import SCORES
from golf.report.table import Analysis
from golf.report.tables.budgets import budgets_table
from golf.report.tables.factors import factor_tables
from golf.report.tables.footing import failure_table, footing_table
from golf.report.tables.judged import delta_table, greedy_table, negative_table
from golf.report.tables.main import (
    LEGEND,
    budget_table,
    cost_table,
    main_table,
    others_table,
    seed_table,
)
from golf.report.tables.record import record_table
from golf.report.tables.rule import rule_table
from golf.report.tables.shape import Table


class Block(Frozen):
    """A heading with sentences and tables under it."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()


def blocks(analysis: Analysis) -> Iterator[Block]:
    """Yield the blocks of a report; empty ones are left out."""
    main = main_table(analysis.table)
    first = (with_notes(main, LEGEND), cost_table(analysis.table), budgets_table(analysis))
    yield Block("", tables=_present(first))
    notes = [f"{r.row}: {r.info.note}" for r in analysis.table if r.info.note]
    made = (
        Block("", tuple(notes)),
        Block("Waves", analysis.study.decisions),
        Block("Warnings", tuple(cautions(analysis))),
        Block("Findings", tuple(str(f) for f in findings(analysis))),
        Block("Deltas", tables=_present(_deltas(analysis))),
        Block("Factors", tables=(*effect_tables(analysis), *factor_tables(analysis))),
        Block(
            "Details",
            tables=_present(
                (
                    scoring_table(analysis.study.scoring),
                    failure_table(analysis),
                    others_table(analysis),
                    negative_table(analysis),
                    greedy_table(analysis),
                    seed_table(analysis),
                    budget_table(analysis.table),
                    footing_table(analysis),
                )
            ),
        ),
    )
    yield from (b for b in made if b.sentences or b.tables)


def scoring_table(lines: tuple[tuple[str, ...], ...]) -> Table | None:
    """Return how each score came about."""
    return Table("scoring", "How it was scored", COLUMNS, lines, left=2) if lines else None


def _deltas(analysis: Analysis) -> Iterator[Table | None]:
    main = analysis.main_score
    for score in sorted(analysis.scores, key=lambda s: (s != main, SCORES.index(s))):
        yield delta_table(analysis, score)
    yield rule_table(analysis)
    yield record_table(analysis)


def _present(tables: Iterator[Table | None] | tuple[Table | None, ...]) -> tuple[Table, ...]:
    return tuple(t for t in tables if t)


def with_notes(table: Table, *notes: str) -> Table:
    """Return the table with sentences below it."""
    return Table(table.name, table.title, table.columns, table.rows, table.left, notes, table.long)
