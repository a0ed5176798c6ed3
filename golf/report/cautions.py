"""What a reader must know before believing a table: rows that differ in more than their factors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from golf.config.values import SHOWN, listed
from golf.report.study import CONDITIONS, Line
from golf.report.table import Analysis, TableRow

STEP_SHARE = 0.01  # relative difference of steps that is worth a word
SIZE_SHARE = 0.02  # of artifact bytes, where no tensor changed its shape
# Settings that neither shape a tensor nor change how one is stored.
SHAPELESS = {
    "model.rope_dims", "model.rope_base", "model.leaky_slope", "model.logit_softcap",
    "model.window_pattern", "model.short_window",
}  # fmt: skip
BUDGET = {"train.steps", "train.tokens", "train.seconds", "train.batch_tokens"}
Told = list[tuple[str, str]]  # conditions that differ: name, and how a reader calls them


def cautions(analysis: Analysis) -> list[str]:
    """Return the warnings of a study, the most serious first."""
    told = _told_conditions(analysis)
    return [
        *analysis.study.notes,
        *_conditions(analysis, told),
        *_mixed(analysis, told),
        *_texts(analysis),
        *_steps(analysis),
        *_sizes(analysis),
        *_baselines(analysis),
        *_replicates(analysis),
    ]


def _pairs(analysis: Analysis) -> Iterator[tuple[TableRow, TableRow]]:
    by_name = {r.row: r for r in analysis.table}
    for row in analysis.table:
        if row.parent in by_name:
            yield row, by_name[row.parent]


def _known(lines: Sequence[Line], name: str) -> str:
    return " and ".join(sorted({str(x[name]) for x in lines if x.get(name) is not None}))


def _told_conditions(analysis: Analysis) -> Told:
    """Return the conditions that are not the same all over, and that rows are not named after."""
    lines = analysis.study.lines
    return [
        (name, said)
        for name, said in CONDITIONS.items()
        if len({str(x[name]) for x in lines if x.get(name) is not None}) > 1
        and any(x.get(name) != x["row"] for x in lines)
    ]


def _conditions(analysis: Analysis, told: Told) -> Iterator[str]:
    """Yield conditions in which rows differ from the row they are compared with."""
    for name, said in told:
        seen = {
            row.row: _known(list(analysis.values[row.row].values()), name) for row in analysis.table
        }
        differing: dict[tuple[str, str], list[str]] = {}
        for row, parent in _pairs(analysis):
            mine, theirs = seen[row.row], seen[parent.row]
            if mine and theirs and mine != theirs:
                differing.setdefault((mine, theirs), []).append(row.row)
        for (mine, theirs), rows in differing.items():
            values = f"{mine:.60}, not {theirs:.60}"
            yield f"Another {said} than the compared row's: {listed(rows)} ({values})."


def _mixed(analysis: Analysis, told: Told) -> Iterator[str]:
    """Yield rows whose own seeds were made under different conditions."""
    for name, said in told:
        rows = [
            f"{row} ({_known(list(lines.values()), name)})"
            for row, lines in analysis.values.items()
            if len({str(x[name]) for x in lines.values() if x.get(name) is not None}) > 1
        ]
        if rows:
            yield f"Seeds of one row differ in the {said}: {listed(rows)}."


def _texts(analysis: Analysis) -> Iterator[str]:
    lost = [
        row.row
        for row, parent in _pairs(analysis)
        for name in (analysis.main_score,)
        if row.spread(name).n and parent.spread(name).n and row.judged.get(name) is None
    ]
    if lost:
        yield f"Scored other bytes than the compared row, so there is no Δ: {listed(lost)}."


def _steps(analysis: Analysis) -> Iterator[str]:
    found = []
    for row, parent in _pairs(analysis):
        mine, theirs = row.mean("steps"), parent.mean("steps")
        if (
            mine
            and theirs
            and not BUDGET & set(row.info.own)
            and abs(mine / theirs - 1) > STEP_SHARE
        ):
            found.append(f"{row.row} ({mine:,.0f} steps, {parent.row} {theirs:,.0f})")
    if found:
        budget = " under a budget in seconds" if analysis.study.wallclock_budget else ""
        said = f"Trained for another number of steps{budget}, which moves scores by itself"
        yield f"{said}: {listed(found)}."


def _sizes(analysis: Analysis) -> Iterator[str]:
    for row, parent in _pairs(analysis):
        own = set(row.info.own)
        if not own or not all(n in SHAPELESS or n.startswith(("ttt.", "eval.")) for n in own):
            continue
        mine, theirs = row.mean("artifact_bytes"), parent.mean("artifact_bytes")
        if mine and theirs and abs(mine / theirs - 1) > SIZE_SHARE:
            size = f"{mine - theirs:+,.0f}".replace("-", "−")
            yield (
                f"{row.row}: {', '.join(own)} changes the shape of no tensor, yet the artifact "
                f"differs by {size} bytes from {parent.row}'s. Something else changed with it, and "
                "so the Δ is not its alone."
            )


def _baselines(analysis: Analysis) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for row, parent in _pairs(analysis):
        groups.setdefault(parent.row, []).append(row.row)
    if 1 < len(groups) <= SHOWN:
        parts = [f"{listed(rows)} against {parent}" for parent, rows in groups.items()]
        yield f"Δ has more than one baseline: {'; '.join(parts)}. Do not compare across them."


def _replicates(analysis: Analysis) -> Iterator[str]:
    name = analysis.main_score
    lone = [row.row for row in analysis.table if row.spread(name).n == 1]
    if not lone:
        return
    floor = analysis.floors[name]
    known = "nothing here tells how much chance alone moves a score"
    if floor:
        known = f"by the repeated rows, chance alone moves a difference by ±{floor.reach():.2g}"
    yield f"One seed only: {listed(lone)}; {known}."
