"""Test-time training: score the validation split while the model learns from what is scored.

The methods stand in ``golf.stages.chunks`` and ``golf.stages.lora``; both start from the
artifact's bytes.
"""

from __future__ import annotations

from golf.config.geometry import parse_geometry
from golf.config.schema import group_from
from golf.config.schema.scoring import TTTConfig
from golf.stages.chunks import ChunkSgd
from golf.stages.clock import timed
from golf.stages.context import Context, Outcome
from golf.stages.evaluate import score_node
from golf.stages.lora import DocumentLora
from golf.stages.scoring import Learning
from golf.stages.weights import load_model, window_length


def main(context: Context) -> Outcome:
    """Adapt the model of the artifact while scoring the validation split."""
    config = group_from(context.node.spec, TTTConfig)
    geometry = context.node.spec.get("eval.geometry") or f"documents{config.lora_chunk}"
    with timed("ttt_s", context.training) as clocks:
        scorer = build_scorer(context, config)
        outcome = score_node(context, scorer, geometry)
    outcome.facts.update(method=config.method, **scorer.learned())
    outcome.measures.update(clocks)
    return outcome


def build_scorer(context: Context, config: TTTConfig) -> Learning:
    """Return the method that the node asks for, on freshly loaded weights."""
    model, length = load_model(context), window_length(context)
    if config.method == "lora":
        return DocumentLora(model, length, config, context.seed, context.world)
    geometry = parse_geometry(context.node.spec["eval.geometry"])
    assert geometry is not None, "planning checks geometries"
    return ChunkSgd(model, geometry, length, config, context.world)
