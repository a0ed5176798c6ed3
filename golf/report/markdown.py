"""The report as GitHub markdown: what was run, the table, the costs, how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

import pandas as pd
from tabulate import tabulate

from golf.plan.graph import Plan
from golf.report.collect import SCORES
from golf.report.table import ARTIFACT_LIMIT, Spread, TableRow

DASH = "—"
HEADINGS = {"pre_bpb": "Pre-quant", "post_bpb": "Post-quant", "ttt_bpb": "Post-TTT"}


def render(
    plan: Plan, table: Sequence[TableRow], environments: pd.DataFrame, command: Sequence[str]
) -> str:
    """Return the whole report."""
    parts = [
        f"# {escape(plan.variant)}",
        escape(plan.rows.matrix.question),
        _banner(plan, table),
        _header(plan, environments),
        main_table(table),
        "Bits per byte, lower is better; mean ± sample standard deviation over n seeds. Δ is the "
        "mean difference to the named row over the seeds that both have. Artifact: the largest "
        f"seed's bytes, model and code; ✅ within {ARTIFACT_LIMIT:,} bytes.",
        cost_table(table),
        _notes(table),
        "To repeat it:",
        f"```\n{shlex.join(command)}\n{shlex.join(_report_command(command))}\n```",
    ]
    return "\n\n".join(p for p in parts if p) + "\n"


def escape(text: str) -> str:
    """Return ``text`` so that GitHub shows it literally, also inside a table cell."""
    for sign in "\\`*_{}[]#|~$":
        text = text.replace(sign, "\\" + sign)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(text.split())


def _report_command(command: Sequence[str]) -> list[str]:
    return ["golf", "report", *command[2:]]


def _banner(plan: Plan, table: Sequence[TableRow]) -> str:
    cells, done = len(plan.cells), sum(row.n for row in table)
    return f"> **{cells - done} of {cells} cells missing**" if done < cells else ""


def _header(plan: Plan, environments: pd.DataFrame) -> str:
    values, rows = plan.rows.rows[0].values, plan.rows
    budget = (
        f"{values['train.steps']} steps of {values['train.batch_tokens']:,} tokens"
        if values["train.steps"]
        else f"{values['train.seconds']:g} seconds"
    )
    facts = {
        "Corpus": f"{values['data.dataset']}, vocabulary {values['data.vocab_size']:,}",
        "Validation": f"scored {next(iter(plan.cells[0].pre))}"
        + _listed(environments, "counting", ", bytes counted {}")
        + _listed(environments, "val_sha256", ", sha256 {:.12}"),
        "Budget": budget + (f", profile {rows.profile}" if rows.profile else ""),
        "Changed by --set": ", ".join(f"{n} {s.value}" for n, s in rows.overrides.items()),
        "Seeds": ", ".join(map(str, rows.seeds)),
        "Device": _listed(environments, "device", "{}")
        + _listed(environments, "world_size", " × {}"),
        "Versions": _listed(environments, "golf", "golf {}")
        + _listed(environments, "torch", ", torch {}")
        + _listed(environments, "python", ", Python {}"),
        "Commit": _commit(environments),
    }
    if values["eval.max_tokens"]:
        facts["Validation"] += f", first {values['eval.max_tokens']:,} targets only"
    return "\n".join(f"- {name}: {escape(text)}" for name, text in facts.items() if text)


def _listed(environments: pd.DataFrame, column: str, form: str) -> str:
    """Return every value that occurs, so that a mixed table shows that it is mixed."""
    if column not in environments:
        return ""
    found = sorted({str(v) for v in environments[column].dropna()})
    return form.format(" and ".join(found)) if len(found) != 1 else form.format(found[0])


def _commit(environments: pd.DataFrame) -> str:
    if "commit" not in environments:
        return ""
    pairs = environments[["commit", "dirty"]].dropna().drop_duplicates().itertuples(index=False)
    return ", ".join(f"{c[:12]}{' with uncommitted changes' if d else ''}" for c, d in pairs)


def main_table(table: Sequence[TableRow]) -> str:
    """Return Row | Change | Pre-quant | Post-quant | Post-TTT | Artifact | Δ."""
    parents = {row.parent for row in table if row.parent}
    single = parents <= {table[0].row}
    adapted = any(row.spreads["ttt_bpb"].n for row in table)
    lines = []
    for row in table:
        line = {
            "Row": escape(row.row),
            "Change": escape(row.change) or DASH,
            **{HEADINGS[s]: _score(row.spreads[s]) for s in SCORES},
            **{
                _geometry_heading(name): _score(s)
                for name, s in row.spreads.items()
                if "_bpb " in name
            },
            "Artifact": _artifact(row),
            f"Δ vs {escape(table[0].row) if single else 'parent'}": _delta(row, "post_bpb", single),
        }
        if adapted:
            line["Δ post-TTT"] = _delta(row, "ttt_bpb", single)
        lines.append(line)
    return _grid(lines, left=2)


def cost_table(table: Sequence[TableRow]) -> str:
    """Return what each row took: steps, tokens, time and memory."""
    lines = [
        {
            "Row": escape(row.row),
            "n": row.n,
            "Parameters": _number(row.spreads["parameters"], ",.0f"),
            "Steps": _number(row.spreads["steps"], ",.0f"),
            "Tokens": _number(row.spreads["tokens"], ",.0f"),
            "ms/step": _number(row.spreads["step_ms"], ".1f"),
            "Train s": _number(row.spreads["train_s"], ".1f"),
            "Peak MB": _number(row.spreads["peak_memory_mb"], ",.0f"),
            "Model bytes": _number(row.spreads["model_bytes"], ",.0f"),
            "Code bytes": _number(row.spreads["code_bytes"], ",.0f"),
        }
        for row in table
    ]
    return _grid(lines, left=1)


def _grid(lines: Sequence[Mapping[str, object]], left: int) -> str:
    headers = list(lines[0])
    align = ["left"] * left + ["right"] * (len(headers) - left)
    cells = [list(line.values()) for line in lines]
    return tabulate(cells, headers, tablefmt="pipe", colalign=align, disable_numparse=True)


def _geometry_heading(name: str) -> str:
    score, _, geometry = name.partition(" ")
    return f"{HEADINGS[score]} {geometry}"


def _score(s: Spread) -> str:
    if s.mean is None:
        return DASH
    return f"{s.mean:.4f}" + (f" ± {s.std:.4f}" if s.std is not None else "")


def _artifact(row: TableRow) -> str:
    sizes = row.spreads["artifact_bytes"]
    if sizes.mean is None or row.largest_bytes is None:
        return DASH
    return f"{row.largest_bytes / 1e6:.2f} MB ({row.largest_bytes:,}) {'✅' if row.fits else '❌'}"


def _delta(row: TableRow, score: str, single: bool) -> str:
    value = row.deltas[score]
    if value is None:
        return DASH
    text = f"{value:+.4f}".replace("-", "−")
    return text if single else f"{text} ({escape(row.parent)})"


def _number(s: Spread, form: str) -> str:
    return DASH if s.mean is None else format(s.mean, form)


def _notes(table: Sequence[TableRow]) -> str:
    return "\n".join(f"- **{escape(r.row)}**: {escape(r.note)}" for r in table if r.note)
