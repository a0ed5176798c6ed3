"""The commands of this room: doors only, read by ``golf.cli``."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def compare(
    candidate: Annotated[str, typer.Option(help="Scores, as 1.06,1.07.")] = "",
    baseline: Annotated[str, typer.Option(help="Scores to compare with.")] = "",
    paired: Annotated[
        bool, typer.Option("--paired", help="The scores are pairs, such as equal seeds.")
    ] = False,
    fixed: Annotated[
        float | None, typer.Option(help="A number to compare with, in place of --baseline.")
    ] = None,
    margin: Annotated[float, typer.Option(help="The gain to exceed.")] = 0.0,
    unit: Annotated[str, typer.Option(help="Unit of the margin: bpb, or nats per token.")] = "bpb",
    bytes_per_token: Annotated[
        float | None, typer.Option(help="Of the tokenizer; converts a margin in nats.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of the interval.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test whether one side scores lower than the other.

    Welch's test, unless --paired or --fixed say otherwise. Lower scores are better.

    Example: golf compare --candidate 1.0810,1.0808 --baseline 1.0856,1.0849
    """
    from golf.report import numbers  # noqa: PLC0415 (scipy is slow to import)

    question = numbers.Question(
        candidate=numbers.parse_values(candidate, "--candidate"),
        baseline=numbers.parse_values(baseline, "--baseline") if baseline else (),
        fixed=fixed,
        paired=paired,
        margin=margin,
        unit=unit,
        bytes_per_token=bytes_per_token,
        confidence=confidence,
    )
    numbers.check(question)
    found = json.dumps(numbers.as_json(question), indent=2, allow_nan=False)
    typer.echo(found if as_json else numbers.as_text(question))
