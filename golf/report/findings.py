"""Sentences that the numbers say, each with its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from golf.config.values import format_value, listed
from golf.frozen import Frozen
from golf.records import ARTIFACT_LIMIT
from golf.report.effects import interactions, main_effects
from golf.report.study import EQUAL, SAID
from golf.report.table import Analysis, TableRow, second_score
from golf.report.tables.factors import factor_rows, quant_gap
from golf.report.tables.judged import verdict
from golf.report.tables.shape import interval, p_value, plural, score, signed
from golf.statistics.verdict import Judgement, Verdict

SHOWN = 12  # sentences of one kind
GAP_SHARE = 0.25  # change of the quantization gap, relative, that is worth a sentence


class Finding(Frozen):
    """A sentence and what it rests on."""

    text: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.text} ({self.evidence})"


def findings(analysis: Analysis) -> list[Finding]:
    """Return what a reader would otherwise have to work out."""
    kinds = (_counts, _best, _equivalent, _budgets, _gaps, _stages, _sizes, _effects)
    return [f for kind in kinds for f in _first(kind(analysis))]


def pareto(table: tuple[TableRow, ...], name: str) -> list[TableRow]:
    """Return the rows that no other beats in both score and bytes, the smallest first."""
    there = [r for r in table if r.mean(name) is not None and r.mean("artifact_bytes")]
    front: list[TableRow] = []
    best = float("inf")
    for row in sorted(there, key=lambda r: (r.mean("artifact_bytes") or 0, r.mean(name) or 0)):
        value = row.mean(name)
        if value is not None and value < best:
            front.append(row)
            best = value
    return front


def _first(found: Iterator[Finding]) -> list[Finding]:
    return [f for f, _ in zip(found, range(SHOWN), strict=False)]


def _evidence(analysis: Analysis, name: str, found: Judgement) -> str:
    bounds = found.delta.interval()
    if bounds is None:
        return verdict(analysis, name, found)
    p = found.p_holm
    test = "by the rule for seeds" if p is None else f"corrected p = {p_value(p, analysis.level)}"
    return f"95 % interval {interval(bounds)}, n = {found.delta.n}, {test}: {found.verdict}"


def _counts(analysis: Analysis) -> Iterator[Finding]:
    name = analysis.main_score
    judged = [j.verdict for row in analysis.table if (j := row.judged.get(name))]
    if judged:
        told = Counter(judged)
        parts = [f"{told[v]} {v}" for v in Verdict if told[v]]
        rows = "row" if len(judged) == 1 else "rows"
        yield Finding(
            f"Of {len(judged)} compared {rows}: {', '.join(parts)}.",
            f"{SAID[name]}, each against its own parent",
        )


def _best(analysis: Analysis) -> Iterator[Finding]:
    name = analysis.main_score
    judged = [(r, j) for r in analysis.table if (j := r.judged.get(name))]
    certain = [x for x in judged if x[1].verdict is Verdict.BETTER]
    for row, found in sorted(certain or judged, key=lambda x: x[1].delta.mean)[
        : 3 if certain else 1
    ]:
        if found.delta.mean < 0:
            said = f"{row.row}: {SAID[name]} {signed(found.delta.mean)} vs {row.parent}."
            yield Finding(said, _evidence(analysis, name, found))


def _equivalent(analysis: Analysis) -> Iterator[Finding]:
    """Yield the rows of which a difference as large as the margin is refused."""
    name, margin = analysis.main_score, analysis.study.margin
    rows = [
        row.row
        for row in analysis.table
        if (found := row.judged.get(name))
        and found.p_equivalent is not None
        and found.p_equivalent < analysis.level
    ]
    if rows and margin:
        yield Finding(
            f"Within ±{margin:g} of the row that they are compared with: {listed(rows, SHOWN)}.",
            f"{SAID[name]}, two one-sided tests, corrected p below {analysis.level:g}",
        )


def _budgets(analysis: Analysis) -> Iterator[Finding]:
    """Yield rows of which two budgets say different things."""
    study, name = analysis.study, analysis.main_score
    for row in analysis.table if study.budgets else ():
        found = [row.judged.get(n) for n in (name, second_score(study, name))]
        told = [j for j in found if j and j.verdict is not Verdict.ONE_SEED]
        if len(told) == 2 and told[0].verdict is not told[1].verdict:
            said = " but ".join(
                f"{j.verdict} at {EQUAL[b]} ({signed(j.delta.mean)})"
                for b, j in zip(study.budgets, told, strict=True)
            )
            evidence = "; ".join(_evidence(analysis, name, j) for j in told)
            yield Finding(f"{row.row}: {said} vs {row.parent}.", evidence)


def _gaps(analysis: Analysis) -> Iterator[Finding]:
    """Yield values of a factor that change what quantization costs."""
    for (factor, parent), (base, *rows) in factor_rows(analysis).items():
        if factor.startswith("quant."):
            continue
        before = quant_gap(base)
        for row in rows:
            after, pre = quant_gap(row), row.judged.get("pre_bpb")
            if before is None or after is None or pre is None:
                continue
            if abs(after - before) <= GAP_SHARE * abs(before) or _is_noise(
                analysis, row, after - before
            ):
                continue
            against = pre.delta.mean < 0 < after - before or pre.delta.mean > 0 > after - before
            grows = "grows" if after > before else "shrinks"
            yield Finding(
                f"{factor} {format_value(row.info.settings.get(factor))}: pre-quant "
                f"{signed(pre.delta.mean)} vs {parent}, {'but' if against else 'and'} the "
                f"quantization gap {grows} from {score(before)} to {score(after)}.",
                f"row {row.row}, n = {row.spread('post_bpb').n}: "
                f"{_evidence(analysis, 'pre_bpb', pre)}",
            )


def _is_noise(analysis: Analysis, row: TableRow, change: float) -> bool:
    floor = analysis.floors["post_bpb"]
    return floor is not None and abs(change) < floor.reach(max(row.n, 1), max(row.n, 1))


def _stages(analysis: Analysis) -> Iterator[Finding]:
    """Yield what test-time training does, over all rows that have it."""
    gains = [
        (r, ttt - post)
        for r in analysis.table
        if (ttt := r.mean("ttt_bpb")) is not None and (post := r.mean("post_bpb")) is not None
    ]
    if len(gains) > 1:
        (least, small), (most, large) = (f(gains, key=lambda g: -g[1]) for f in (min, max))
        yield Finding(
            f"Test-time training moves the score by {signed(small)} ({least.row}) to "
            f"{signed(large)} ({most.row}).",
            f"post-TTT minus post-quant, {len(gains)} rows",
        )


def _sizes(analysis: Analysis) -> Iterator[Finding]:
    over = [r for r in analysis.table if r.fits is False and r.largest_bytes]
    for row in over:
        assert row.largest_bytes is not None
        yield Finding(
            f"{row.row} is {plural(row.largest_bytes - ARTIFACT_LIMIT, 'byte')} over the limit.",
            f"largest artifact {row.largest_bytes:,} of {ARTIFACT_LIMIT:,} bytes",
        )
    front = pareto(analysis.table, analysis.main_score)
    if len(front) > 1 and len(front) < len(analysis.table):
        yield Finding(
            "No other row is both smaller and better than: "
            + ", ".join(r.row for r in front[:SHOWN])
            + ".",
            f"means of the {SAID[analysis.main_score]} score and artifact bytes",
        )


def _effects(analysis: Analysis) -> Iterator[Finding]:
    effects = main_effects(analysis)
    if effects:
        first = effects[0]
        yield Finding(
            f"{first.factor} makes {first.share:.0%} of the variance of "
            f"{SAID[analysis.main_score]} scores between rows.",
            "all combinations were run; the others: "
            + ", ".join(f"{e.factor} {e.share:.0%}" for e in effects[1:]),
        )
    for found in interactions(analysis):
        p = found.contrast.p_two_sided()
        if p is not None and p < 0.05:
            values = " with ".join(
                f"{f} {format_value(v[1])}"
                for f, v in zip(found.factors, found.values, strict=True)
            )
            yield Finding(
                f"{values} together: {signed(found.contrast.mean)} beyond the sum of each alone.",
                f"n = {found.contrast.n}, p = {p_value(p)}, uncorrected",
            )
