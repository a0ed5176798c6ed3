"""What the rule for seeds says of each row, and on which looks it rests."""

from __future__ import annotations

from golf.plan.sequential import Ruled, Ruling
from golf.report.study import HEADINGS, column_of
from golf.report.table import Analysis
from golf.report.tables.shape import DASH, Table, score, signed, table_of


def rule_table(analysis: Analysis) -> Table | None:
    """Return every row under the rule with its last look; None without a rule."""
    ruled = analysis.study.ruled
    if ruled is None:
        return None
    rows = ((r.row, ruled.rulings[r.row]) for r in analysis.table if r.row in ruled.rulings)
    lines = [_line(name, found, ruled) for name, found in rows]
    return table_of("rule", "Seeds by rule", lines, left=3, notes=(rule_words(ruled),))


def _line(name: str, found: Ruling, ruled: Ruled) -> dict[str, str]:
    gain = found.gain
    return {
        "Row": name,
        "Against": found.base,
        "Score": HEADINGS[column_of(found.by)],
        "Looks": f"{found.looks} of {ruled.rule.looks}",
        "n": str(gain.n) if gain else DASH,
        "Gain": signed(gain.gain if gain else None),
        "Needs": score(gain.needed if gain else None),
        "Outcome": str(found.verdict),
    }


def rule_words(ruled: Ruled) -> str:
    """Return the rule and what it promises."""
    rule = ruled.rule
    return (
        f"Each row gets {rule.least} to {rule.most} seeds, until its gain over the named row lies "
        f"clearly on one side of {rule.margin:g}: a one-sided t test with the noise pooled over "
        f"the rows of a look, at {rule.level:g} shared out over {ruled.rows} rows and {rule.looks} "
        "looks (Bonferroni). Better: the gain exceeds the margin; the chance that this is said "
        f"falsely of any row is at most {rule.level:g}, and so is that of a false worse. Below "
        "the margin: the gain is less than it. Open: there are looks left."
    )


def rule_facts(ruled: Ruled | None) -> dict[str, object] | None:
    """Return the rule and its rulings for programs."""
    if ruled is None:
        return None
    rule = ruled.rule
    return {
        "min": rule.least,
        "max": rule.most,
        "p": rule.level,
        "margin": rule.margin,
        "rows_that_share_p": ruled.rows,
        "looks": rule.looks,
        "rows": {name: _facts(found) for name, found in ruled.rulings.items()},
    }


def _facts(found: Ruling) -> dict[str, object]:
    gain = found.gain
    return {
        "parent": found.base,
        "score": column_of(found.by),
        "looks": found.looks,
        "n": gain.n if gain else None,
        "gain": gain.gain if gain else None,
        "needed": gain.needed if gain else None,
        "verdict": str(found.verdict),
    }
