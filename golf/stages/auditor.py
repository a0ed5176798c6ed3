"""The audit of a node: its own method, on samples of its own text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from golf.config.schema import group_from
from golf.config.schema.scoring import EvalConfig, TTTConfig
from golf.data.validation import open_validation
from golf.stages import evaluate, ttt
from golf.stages.audit import LEAST_TARGETS, PIECES, audit, sample_of
from golf.stages.context import Context, numerics_of
from golf.stages.scoring import Scorer
from golf.stages.weights import uncompiled, window_length
from golf.stages.world import World


def audit_node(context: Context) -> dict[str, Any]:
    """Return what an audit finds; this process works alone."""
    config = group_from(context.node.spec, EvalConfig)
    whole = open_validation(context.dataset, config.max_tokens)

    def make(world: World) -> Scorer:
        context.reset()
        return AUDITED[context.node.stage](replace(context, world=world, eager=True))

    sample = sample_of(whole, window_length(context))
    found = audit(make, sample, context.world.device).as_fact()
    numerics = numerics_of(context.training)
    alone = {**numerics, **uncompiled(numerics), "numerics.world_size": 1}
    return {**found, "forward": in_words(alone), "forward_of_scores": in_words(numerics)}


def in_words(numerics: Mapping[str, Any]) -> str:
    """Say how a forward pass is computed."""
    form = "compiled" if numerics["numerics.compile"] else "eager"
    size = numerics["numerics.world_size"]
    many = "es" if size > 1 else ""
    return f"{form}, {numerics['numerics.attention']} attention, {size} process{many}"


def build_sampled(context: Context) -> Scorer:
    """Return test-time training with its schedule drawn in, so that a sample sees all of it."""
    config, length = group_from(context.node.spec, TTTConfig), window_length(context)
    few = max(length, LEAST_TARGETS // 4 // length * length)
    sampled = replace(
        config,
        chunk_tokens=min(config.chunk_tokens, few),
        batch_tokens=min(config.batch_tokens, few),
        update_every=1,
        lora_batch=min(config.lora_batch, PIECES // 3),
        phases=min(config.phases, 2),
        prefix_docs=PIECES // 2,
        phase_chunk_tokens=min(config.phase_chunk_tokens, length),
        phase_batch_tokens=min(config.phase_batch_tokens, length),
    )
    return ttt.build_scorer(context, sampled)


AUDITED: dict[str, Callable[[Context], Scorer]] = {
    "evaluate": evaluate.build_scorer,
    "ttt": build_sampled,
}
