"""The commands of this room: doors only, read by ``golf.cli``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from golf.errors import fail
from golf.plan.flags import Overrides, Profile, options_from


def report(
    matrix: Annotated[
        Path | None, typer.Argument(metavar="[MATRIX]", help="Matrix file; all that were run else.")
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="md or html (in reports/), csv, json, latex, tsv; tensorboard, wandb, trackio.",
        ),
    ] = "md",
    strict: Annotated[bool, typer.Option(help="Exit 1 when cells are missing.")] = False,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
    runs: Annotated[
        Path | None, typer.Option(help="Report this file of numbers: csv, jsonl, or imported.")
    ] = None,
    baseline: Annotated[str, typer.Option(help="Row of --runs to compare with.")] = "",
    margin: Annotated[
        float | None, typer.Option(help="Say which rows differ by less than this, in bpb.")
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="Fold long tables.")] = False,
    verify: Annotated[
        Path | None, typer.Option(help="Hold this markdown table against the results.")
    ] = None,
    pictures: Annotated[
        bool, typer.Option("--pictures", help="Draw PNG and SVG beside the report.")
    ] = False,
) -> None:
    """Render the ablation table of MATRIX, or of all that were run.

    Cells that are not done yet show a dash.

    Example: golf report matrices/quickstart.yaml
    """
    from golf.report import command
    from golf.report.write import Style

    source = command.Source(matrix, options_from(profile, overrides), runs, baseline, margin)
    if verify:
        raise typer.Exit(1 if command.verify_table(source, verify) else 0)
    missing = command.report(source, Style(form, details, pictures))
    raise typer.Exit(1 if strict and missing else 0)


def import_logs(
    logs: Annotated[list[Path], typer.Argument(metavar="LOG...", help="What a training printed.")],
    name: Annotated[str, typer.Option(help="Table to add the runs to.")] = "imported",
    row: Annotated[str, typer.Option(help="Row of all these logs; their names decide else.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print every value found.")] = False,
) -> None:
    """Read logs of train_gpt.py-like scripts into records.

    What is not in a log stays empty.

    Example: golf import logs/train_seed42.log --row mine
    """
    from golf.report import imported

    imported.run_import(logs, name, row, dry_run, as_json)


Sides = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SIDE SIDE]", help="FILE:ROW or FILE; matrices, runs or logs."),
]
Candidate = Annotated[str, typer.Option(help="Scores, as 1.06,1.07.")]
Baseline = Annotated[str, typer.Option(help="Scores to compare with.")]
Paired = Annotated[
    bool, typer.Option("--paired", help="The scores are pairs, such as equal seeds.")
]
Fixed = Annotated[
    float | None, typer.Option(help="A number to compare with, in place of --baseline.")
]
Unit = Annotated[str, typer.Option(help="Unit of the margin: bpb, or nats per token.")]
BytesPerToken = Annotated[
    float | None,
    typer.Option(help="Of the tokenizer; asks the challenge's rule."),
]


def compare(
    sides: Sides = None,
    candidate: Candidate = "",
    baseline: Baseline = "",
    paired: Paired = False,
    fixed: Fixed = None,
    margin: Annotated[float, typer.Option(help="The gain to exceed.")] = 0.0,
    unit: Unit = "bpb",
    bytes_per_token: BytesPerToken = None,
    confidence: Annotated[float, typer.Option(help="Of the interval.")] = 0.95,
    profile: Profile = "",
    overrides: Overrides = [],  # noqa: B006 (typer copies defaults)
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two rows, matrices or logs, or test bare numbers.

    The second side is held against the first. Numbers are tested by Welch, unless --paired or
    --fixed say otherwise. Lower scores are better.

    Example: golf compare --candidate 1.0810,1.0808 --baseline 1.0856,1.0849
    """
    from golf.report import numbers

    question = numbers.Question(
        numbers.parse_values(candidate, "--candidate") if candidate or not sides else (),
        numbers.parse_values(baseline, "--baseline") if baseline else (),
        fixed,
        paired,
        margin,
        unit,
        bytes_per_token,
        confidence,
    )
    if sides:
        from golf.report.sides import compare_sides

        numbers.check_unasked(question)
        typer.echo(compare_sides(sides, options_from(profile, overrides), as_json, bytes_per_token))
        return
    if profile or overrides:
        raise fail("--profile and --set go with a matrix", "golf compare MATRIX:ROW MATRIX:ROW")
    numbers.check(question)
    found = json.dumps(numbers.as_json(question), indent=2, allow_nan=False)
    typer.echo(found if as_json else numbers.as_text(question))
