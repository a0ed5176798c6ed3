"""Rules that join several knobs; one function each, with its message.

A rule sees the resolved values of one row and returns what is wrong, or nothing. The names
in ``RULES`` say which settings it is about: the message is placed at the nearest of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from golf.config.datasets import CORPORA
from golf.config.geometry import geometry_problem
from golf.config.model_rules import MODEL_RULES, Rule
from golf.config.schema import KNOBS, is_relevant
from golf.config.schema.scoring import LORA_TARGETS

SGD_ROWS = (
    "ttt.batch_tokens", "ttt.chunk_tokens", "ttt.phase_batch_tokens", "ttt.phase_chunk_tokens",
)  # fmt: skip
PROCESSES = "launch.nproc_per_node"  # no knob, but a place that a rule may be about

Broken = tuple[str, tuple[str, ...]]  # a message, and the knobs that it is about


def broken_rules(values: dict[str, Any], world_size: int) -> Iterator[Broken]:
    """Yield every rule that ``values`` breaks."""
    for names, rule in RULES:
        message = rule(values, world_size)
        if message:
            yield message, names


def _one_budget(v: dict[str, Any], _: int) -> str:
    given = [n for n in ("train.steps", "train.seconds") if v[n] is not None]
    return "" if len(given) == 1 else "a training needs one budget: steps, tokens or seconds"


def _steps_count(v: dict[str, Any], _: int) -> str:
    steps, uncounted = v["train.steps"], v["train.uncounted_steps"]
    if steps is None or uncounted < steps:
        return ""
    return f"uncounted_steps {uncounted} leaves none of {steps} steps to count; set fewer"


def _whole_sequences(v: dict[str, Any], world_size: int) -> str:
    batch, seq, micro = v["train.batch_tokens"], v["train.seq_len"], v["train.micro_tokens"]
    if batch % seq:
        return f"batch_tokens {batch} is not a whole number of sequences of {seq}"
    shared = batch % (seq * world_size) == 0
    if shared and (micro % seq or batch % (micro * world_size)):
        return f"micro_tokens {micro} must be whole sequences of {seq} and divide a rank's share"
    return ""


def _whole_sequences_on_every_rank(v: dict[str, Any], world_size: int) -> str:
    batch, seq = v["train.batch_tokens"], v["train.seq_len"]
    if batch % seq or batch % (seq * world_size) == 0:
        return ""
    return (
        f"batch_tokens {batch} is not a whole number of sequences on each of {world_size} "
        "processes; take another number of them, or a multiple of their sequences"
    )


def _ramps_fit(v: dict[str, Any], _: int) -> str:
    both = v["train.warmup_frac"] + v["train.warmdown_frac"]
    return f"warmup and warmdown together take {both:g} of the budget" if both > 1 else ""


def _polar_has_five_steps(v: dict[str, Any], _: int) -> str:
    form, steps = v["optim.muon_ns"], v["optim.muon_ns_steps"]
    if form == "classic" or steps <= 5 or v["optim.matrix_optimizer"] != "muon":
        return ""
    return f"Polar Express has coefficients for 5 steps, muon_ns_steps is {steps}"


def _one_average(v: dict[str, Any], _: int) -> str:
    both = v["train.ema_decay"] and v["train.swa_start"] is not None
    return "one average is exported: set ema_decay to 0 or swa_start to null" if both else ""


def _geometries(v: dict[str, Any], _: int) -> str:
    names = [*v["eval.geometries"], *([v["ttt.geometry"]] if v["ttt.geometry"] else [])]
    return next(filter(None, (geometry_problem(n, scoring_length(v)) for n in names)), "")


def scoring_length(v: dict[str, Any]) -> int:
    """Return the length of an evaluation window."""
    length: int = v["eval.seq_len"] or v["train.seq_len"]
    return length


def _ntk_dims(v: dict[str, Any], _: int) -> str:
    few = (v["model.rope_dims"] or v["model.head_dim"]) < 4
    wanted = v["eval.seq_len"] and v["eval.rope_scaling"] == "ntk"
    return "ntk scaling needs at least 4 rotary channels" if few and wanted else ""


def _sgd_rows(v: dict[str, Any], _: int) -> str:
    for name in SGD_ROWS:
        if is_relevant(KNOBS[name], v) and v[name] % scoring_length(v):
            return f"{name} {v[name]} is not a whole number of sequences of {scoring_length(v)}"
    return ""


def _adapters(v: dict[str, Any], _: int) -> str:
    if v["ttt.method"] != "lora":
        return ""
    unknown = [t for t in v["ttt.lora_targets"] if t not in LORA_TARGETS]
    if unknown:
        return f"no place {unknown[0]!r} for adapters; there are {', '.join(LORA_TARGETS)}"
    chunk, length = v["ttt.lora_chunk"], scoring_length(v)
    return f"lora_chunk {chunk} is more than a window of {length} tokens" if chunk > length else ""


def _text_to_transform(v: dict[str, Any], _: int) -> str:
    if not v["data.caseops"] or v["data.dataset"] in CORPORA:
        return ""
    return "caseops rewrites text, and shards are tokens already: take shards made with it"


def _something_learns(v: dict[str, Any], _: int) -> str:
    frozen, depth = v["ttt.freeze_blocks"], v["model.depth"]
    if v["ttt.method"] != "sgd" or frozen <= depth:
        return ""
    return f"freeze_blocks {frozen} is more than the model's {depth} blocks"


def _clips_to_fit(v: dict[str, Any], _: int) -> str:
    if v["quant.fit_bytes"] is None or v["quant.clip"] == "sigma":
        return ""
    return f"fit chooses multiples of sigma, clip_rule is {v['quant.clip']}"


RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    *MODEL_RULES,
    (("train.steps", "train.seconds", "train.tokens"), _one_budget),
    (("train.uncounted_steps", "train.steps", "train.tokens"), _steps_count),
    (("train.batch_tokens", "train.seq_len", "train.micro_tokens"), _whole_sequences),
    ((PROCESSES, "train.batch_tokens"), _whole_sequences_on_every_rank),
    (("train.warmdown_frac", "train.warmup_frac"), _ramps_fit),
    (("optim.muon_ns_steps", "optim.muon_ns"), _polar_has_five_steps),
    (("train.swa_start", "train.ema_decay"), _one_average),
    (("eval.geometries", "ttt.geometry", "eval.seq_len", "train.seq_len"), _geometries),
    (("eval.rope_scaling", "model.rope_dims", "model.head_dim"), _ntk_dims),
    ((*SGD_ROWS, "eval.seq_len", "train.seq_len"), _sgd_rows),
    (("ttt.lora_targets", "ttt.lora_chunk", "eval.seq_len", "train.seq_len"), _adapters),
    (("ttt.freeze_blocks", "model.depth"), _something_learns),
    (("data.caseops", "data.dataset"), _text_to_transform),
    (("quant.fit_bytes", "quant.clip"), _clips_to_fit),
)
