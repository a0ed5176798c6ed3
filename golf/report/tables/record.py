"""The challenge's rule as a table, and as a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from golf.report.record import Record, record_of
from golf.report.study import HEADINGS
from golf.report.table import Analysis
from golf.report.tables.shape import DASH, MINUS, Table, p_value, table_of
from golf.statistics.challenge import ALPHA, GAIN_NATS, RecordTest

RULE = (
    f"A record of parameter-golf gains at least {GAIN_NATS:g} nats per token on the best one "
    f'before it: Welch\'s one-sided test of "the gain is at most {GAIN_NATS:g}" over all seeds '
    f"that ran, p below {ALPHA:g}, not corrected for the number of rows."
)


def record_table(analysis: Analysis) -> Table | None:
    """Return every row with a parent, held against it; None where bytes per token are unknown."""
    values = analysis.values
    pairs = ((r.row, r.parent) for r in analysis.table if r.parent in values)
    found = ((row, parent, record_of(values[row], values[parent])) for row, parent in pairs)
    return table_of_records((row, parent, record) for row, parent, record in found if record)


def table_of_records(found: Iterable[tuple[str, str, Record]]) -> Table | None:
    """Return a line for each candidate, what it is compared with, and what the rule says."""
    records = list(found)
    lines = [_line(row, parent, record) for row, parent, record in records]
    margins = {r.bytes_per_token: r.test.margin_bpb for _, _, r in records}
    needs = ", ".join(f"{m:.5f} at {per:.4f} bytes per token" for per, m in margins.items())
    notes = (RULE, f"{GAIN_NATS:g} nats per token are, in bits per byte: {needs}.")
    return table_of("record", "The challenge's rule", lines, left=3, notes=notes)


def _line(row: str, parent: str, record: Record) -> Mapping[str, str]:
    delta, test = record.delta, record.test
    names = dict.fromkeys((record.score, record.baseline_score))
    return {
        "Row": row,
        "Against": parent,
        "Score": " vs ".join(HEADINGS[n] for n in names),
        "n": f"{delta.n} vs {delta.n_baseline}",
        "Gain, nats/token": nats(test.gain_nats),
        "t": DASH if test.t is None else f"{test.t:.2f}".replace("-", MINUS),
        "df": DASH if delta.df is None else f"{delta.df:.2f}",
        "p": p_value(test.p),
        "Record": outcome(test),
    }


def nats(value: float) -> str:
    """Return a gain in nats per token; rounding never carries it over the rule's."""
    for digits in range(4, 17):
        text = f"{value:+.{digits}f}"
        if (float(text) >= GAIN_NATS) == (value >= GAIN_NATS):
            break
    return text.replace("-", MINUS)


def outcome(test: RecordTest) -> str:
    """Return the verdict of the rule."""
    if test.p is None:
        return "not tested: one seed"
    return "passes" if test.passed else "no"


def record_numbers(test: RecordTest, per_token: float) -> str:
    """Return what the verdict rests on."""
    tested = "one value shows no spread" if test.p is None else f"p = {p_value(test.p)}"
    return (
        f"gain {nats(test.gain_nats)} nats per token, needs {GAIN_NATS:g} ({test.margin_bpb:.5f} "
        f"bits per byte at {per_token:.4f} bytes per token) at p below {ALPHA:g}; {tested}"
    )


def record_facts(record: Record | None) -> dict[str, object] | None:
    """Return the figures for programs."""
    if record is None:
        return None
    return {
        "score": record.score,
        "baseline_score": record.baseline_score,
        "n": record.delta.n,
        "n_baseline": record.delta.n_baseline,
        **rule_facts(record.test, record.bytes_per_token),
    }


def rule_facts(test: RecordTest, per_token: float) -> dict[str, object]:
    """Return the figures of one test of the rule."""
    return {
        "gain_nats": test.gain_nats,
        "needed_nats": GAIN_NATS,
        "needed_bpb": test.margin_bpb,
        "bytes_per_token": per_token,
        "p": test.p,
        "alpha": ALPHA,
        "passed": test.passed,
    }
