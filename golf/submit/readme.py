"""``README.md`` of a record folder: the tables, what was checked, and how to repeat it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from golf.config.values import format_value
from golf.freeze.command import run_line
from golf.report.cautions import cautions
from golf.report.markdown import escape, grid
from golf.report.record import record_of
from golf.report.tables.judged import delta_table
from golf.report.tables.main import LEGEND, cost_table, main_table, seed_table
from golf.report.tables.record import outcome, record_numbers, table_of_records
from golf.report.tables.shape import DASH, Table, score, table_of
from golf.submit.against import Rival
from golf.submit.checks import Check, Status
from golf.submit.entry import Entry
from golf.submit.form import is_complete, today, track_of
from golf.submit.log import log_name

MARKS = {Status.MET: "✅ met", Status.NOT_MET: "❌ not met", Status.UNCHECKED: "❔ not checked"}
RUN_LOG = "train_gpt.log"


def readme(entry: Entry, rival: Rival | None, checks: Sequence[Check]) -> str:
    """Return the whole page."""
    parts = [
        f"# {escape(entry.signature.name)}",
        *_banners(checks),
        _head(entry, checks),
        *_titled("Result", *_result(entry, rival)),
        *_titled("Seeds", *_table(seed_table(entry.shown))),
        *_titled("Compliance", *_table(_compliance(checks))),
        *_titled("Reproduction", *_reproduction(entry)),
        *_titled("What it cost", *_table(cost_table(entry.shown.table))),
        *_titled("Made with", _listed(entry.analysis.study.header.items())),
        *_titled("Warnings", "\n".join(f"- {escape(w)}" for w in cautions(entry.shown))),
        *_titled("Settings", *_settings(entry)),
        *_titled("Files", _listed(_files(entry, checks))),
    ]
    return "\n\n".join(p for p in parts if p) + "\n"


def _titled(title: str, *parts: str) -> Iterator[str]:
    there = [p for p in parts if p]
    if there:
        yield from (f"## {title}", *there)


def _table(table: Table | None) -> tuple[str, ...]:
    """Return a table and the sentences below it."""
    return (grid(table), " ".join(map(escape, table.notes))) if table else ()


def _listed(facts: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"- {name}: {escape(text)}" for name, text in facts)


def _banners(checks: Sequence[Check]) -> Iterator[str]:
    """Yield what a reader must know first."""
    if not is_complete(checks):
        why = next(c.evidence for c in checks if c.name == "script_reproduces")
        yield f"> **Incomplete: train_gpt.py is not known to give these numbers** ({escape(why)})"
    for status in (Status.NOT_MET, Status.UNCHECKED):
        names = [c.name for c in checks if c.status is status]
        if names:
            yield f"> **{str(status).capitalize()}:** {escape(', '.join(names))}"


def _head(entry: Entry, checks: Sequence[Check]) -> str:
    signature, about = entry.signature, entry.analysis.of(entry.row.name).info
    mean = entry.analysis.of(entry.row.name).mean(entry.score)
    facts = {
        "val_bpb": f"{score(mean)} bits per byte, mean of {len(entry.cells)} seeds",
        "Change": about.change or DASH,
        "Question": entry.plan.rows.matrix.question,
        "Note": about.note,
        "Author": ", ".join(filter(None, (signature.author, signature.github_id))),
        "Date and track": f"{today()}, {track_of(checks)}",
    }
    return _listed([(name, text) for name, text in facts.items() if text])


def _result(entry: Entry, rival: Rival | None) -> Iterator[str]:
    yield from (grid(main_table(entry.shown.table)), escape(LEGEND))
    yield from _table(delta_table(entry.shown, entry.score))
    theirs = entry.analysis.values.get(entry.row.parent)
    found = record_of(entry.lines, theirs) if theirs else None
    if found:
        yield from _table(table_of_records([(entry.row.name, entry.row.parent, found)]))
    code = f"shipped train\\_gpt.py, {len(entry.script):,} bytes"
    yield f"The code of {escape(entry.row.name)} is the {code}; that of another row as recorded."
    if rival and rival.published:
        said = f"{outcome(rival.test)}: {record_numbers(rival.test, entry.bytes_per_token)}"
        yield escape(f"Against {rival.name} ({rival.delta.test}): {said}.")
    if rival is None:
        yield "It is compared with nothing: no baseline of this row is finished."


def _compliance(checks: Sequence[Check]) -> Table | None:
    lines = [
        {"Check": c.name, "Rule": c.rule, "Status": MARKS[c.status], "Evidence": c.evidence}
        for c in checks
    ]
    return table_of("compliance", "", lines, left=4)


def _reproduction(entry: Entry) -> Iterator[str]:
    matrix = os.path.relpath(entry.plan.rows.matrix.path.resolve(), entry.plan.paths.root)
    run, report = (entry.options.line(command, matrix) for command in ("run", "report"))
    freeze = entry.options.line("freeze", matrix, "--row", entry.row.name, "--seed", "SEED")
    script = run_line(entry.frozen, "train_gpt.py")
    yield "The table, every row and seed, with golf in its project:"
    yield _code(run, report)
    yield f"This row alone, seed {entry.frozen.seed}, from this folder, without golf:"
    yield _code("pip install -r requirements.txt", f"{script} DATA")
    yield f"DATA is {_data(entry)}. The script of another seed, with golf in its project:"
    yield _code(freeze)


def _code(*lines: str) -> str:
    return "\n".join(["```", *lines, "```"])


def _data(entry: Entry) -> str:
    """Return where the script's data is, without folders of this machine."""
    dataset = entry.frozen.train.dataset
    folder = dataset.spec["folder"]
    if folder:
        return f"the folder of shards {escape('/'.join(Path(folder).parts[-2:]))}"
    return f"runs/data/{dataset.key} of the project, which `golf run` prepares"


def _settings(entry: Entry) -> Iterator[str]:
    about = entry.analysis.of(entry.row.name).info
    if about.own:
        own = [{"Setting": n, "Value": format_value(v)} for n, v in about.own.items()]
        yield f"Other than in {escape(about.parent)}:"
        yield from _table(table_of("own", "", own, left=2))
    every = [{"Setting": n, "Value": format_value(v)} for n, v in sorted(about.settings.items())]
    yield "<details><summary>All settings</summary>"
    yield from _table(table_of("settings", "", every, left=2))
    yield "</details>"


def _files(entry: Entry, checks: Sequence[Check]) -> Iterator[tuple[str, str]]:
    yield "submission.json", "the numbers and the checks, for programs"
    yield "train_gpt.py", f"{len(entry.script):,} bytes, seed {entry.frozen.seed}"
    if any(c.name == "script_reproduces" and c.status is not Status.UNCHECKED for c in checks):
        yield RUN_LOG, "what it printed when it was run here"
    yield ", ".join(map(log_name, entry.cells)), "settings, curve, sizes and scores of each seed"
    yield "matrix.yaml", "the matrix that the row is from"
    yield "requirements.txt", "what the script needs"
