"""Score the validation split in one geometry: before quantization or after."""

from __future__ import annotations

from golf.config.geometry import Geometry, parse_geometry
from golf.config.schema import group_from
from golf.config.schema.scoring import EvalConfig
from golf.data.validation import ValidationStream, open_validation
from golf.model.gpt import GPT
from golf.stages.clock import timed
from golf.stages.context import Context, Outcome
from golf.stages.scoring import (
    Scorer,
    ScoreSheet,
    Tell,
    score_rows,
    scoring_facts,
    summarize,
)  # fmt: skip
from golf.stages.weights import load_model, window_length


class Evaluation:
    """Scores by weights that do not change."""

    def __init__(self, model: GPT, geometry: Geometry, length: int) -> None:
        self.model, self.geometry, self.length = model, geometry, length
        self.by_document = geometry.by_document

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        """Score every target once; each process takes a contiguous share of the rows."""
        windows = stream.windows(self.geometry, self.length)
        rows = stream.rows(windows, self.geometry, self.length)
        score_rows(self.model, stream, rows, sheet, tell)


def main(context: Context) -> Outcome:
    """Score every target once and say how long it took."""
    with timed("eval_s", context.training) as clocks:
        outcome = score_node(context, build_scorer(context), context.node.spec["eval.geometry"])
    outcome.measures.update(clocks)
    return outcome


def score_node(context: Context, scorer: Scorer, geometry: str) -> Outcome:
    """Return what a scorer finds on the node's validation stream."""
    config = group_from(context.node.spec, EvalConfig)
    stream = open_validation(context.dataset, config.max_tokens)
    sheet = ScoreSheet(stream.targets, context.world)
    scorer.score(stream, sheet, context.progress)
    sheet.close()
    measures = summarize(sheet, stream, context.dataset, config)
    return Outcome(measures, scoring_facts(geometry, stream, context.dataset, config))


def build_scorer(context: Context) -> Evaluation:
    """Return what scores this node, with freshly loaded weights."""
    geometry = parse_geometry(context.node.spec["eval.geometry"])
    assert geometry is not None, "planning checks geometries"
    return Evaluation(load_model(context), geometry, window_length(context))
