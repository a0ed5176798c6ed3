"""How the scores of a table came about: seconds against their cap, and what the audit found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from golf.config.knob import Value
from golf.plan.graph import Node, Plan
from golf.plan.row import Row
from golf.plan.shelf import Found

DASH = "—"
CHECKS = {
    "context": "sees what it may not",
    "score_first": "learns before it scores",
    "sums_to_one": "probabilities do not sum to one",
    "once": "targets not scored once",
}
ResultOf = Callable[[Node], Found | None]
COLUMNS = ("Row", "Score", "bpb", "Seconds", "Cap", "Audit")


def scoring_lines(plan: Plan, result_of: ResultOf) -> list[tuple[str, ...]]:
    """Return one line of ``COLUMNS`` for each row and way to score it that has results.

    Rows that share a score have it once, where it is first needed. Seconds are those of the
    slowest seed; above the cap they are marked.
    """
    lines: list[tuple[str, ...]] = []
    shown_already: set[str] = set()
    for row in plan.rows.rows:
        for name, nodes, clock in _ways(plan, row):
            results = [r for n in nodes if (r := result_of(n))]
            new = {n.key for n in nodes} - shown_already
            shown_already |= new
            if results and new:
                cap = row.values[f"runtime.{clock}_limit_s"]
                bpb = sum(r.measures["bpb"] for r in results) / len(results)
                clocks = [r.measures[c] for r in results if (c := f"{clock}_s") in r.measures]
                shown = (_seconds(clocks, cap), _cap(cap), audit_text(results))
                lines.append((row.name, name, f"{bpb:.4f}", *shown))
    return lines


def _ways(plan: Plan, row: Row) -> Iterator[tuple[str, list[Node], str]]:
    """Yield every way in which a row is scored: name, a node for each seed, clock."""
    cells = plan.cells_of(row)
    for geometry in cells[0].pre:
        yield f"pre {geometry}", [c.pre[geometry] for c in cells], "eval"
        yield f"post {geometry}", [c.post[geometry] for c in cells], "eval"
    adapted = [c.ttt for c in cells if c.ttt]
    if adapted:
        yield f"TTT {row.values['ttt.method']}", adapted, "ttt"


def _seconds(clocks: Sequence[float], cap: Value) -> str:
    if not clocks:
        return DASH
    seconds = max(clocks)
    over = isinstance(cap, float) and seconds > cap
    return f"{seconds:.1f}" + (" ❌" if over else "")


def _cap(cap: Value) -> str:
    return f"{cap:g}" if isinstance(cap, float) else DASH


def audit_text(results: Sequence[Found]) -> str:
    """Return what the audits of all seeds found: ✅, what failed, or a dash for none."""
    audits = [r.facts["audit"] for r in results if "audit" in r.facts]
    if len(audits) < len(results):
        return DASH
    failed = [text for check, text in CHECKS.items() if not all(a[check] for a in audits)]
    return "❌ " + "; ".join(failed) if failed else "✅"
