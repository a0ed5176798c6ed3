"""Rules that join several knobs; one function each, with its message.

A rule sees the resolved values of one row and returns what is wrong, or nothing. The names
in ``RULES`` say which settings it is about: the message is placed at the nearest of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from golf.config.model_rules import MODEL_RULES, Rule


def broken_rules(values: dict[str, Any], world_size: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (message, knobs it is about) for every rule that ``values`` breaks."""
    for names, rule in RULES:
        message = rule(values, world_size)
        if message:
            yield message, names


def _one_budget(v: dict[str, Any], _: int) -> str:
    given = [n for n in ("train.steps", "train.seconds") if v[n] is not None]
    return "" if len(given) == 1 else "a training needs one budget: steps, tokens or seconds"


def _whole_sequences(v: dict[str, Any], world_size: int) -> str:
    batch, seq, micro = v["train.batch_tokens"], v["train.seq_len"], v["train.micro_tokens"]
    if batch % (seq * world_size):
        ranks = f" on each of {world_size} processes" if world_size > 1 else ""
        return f"batch_tokens {batch} is not a whole number of sequences of {seq}{ranks}"
    if micro % seq or batch % (micro * world_size):
        return f"micro_tokens {micro} must be whole sequences of {seq} and divide a rank's share"
    return ""


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
    for name in v["eval.geometries"]:
        stride = geometry_stride(name, v["train.seq_len"])
        if stride is None:
            return f"unknown geometry {name!r}; there are chunked and slidingN (sliding64)"
        if not 1 <= stride <= v["train.seq_len"]:
            return f"the stride of {name} must be 1 to seq_len {v['train.seq_len']}"
    return ""


def geometry_stride(name: str, seq_len: int) -> int | None:
    """Return the tokens by which a geometry's windows advance, or None for an unknown name."""
    if name == "chunked":
        return seq_len
    sliding = re.fullmatch(r"sliding([0-9]+)", name)
    return int(sliding[1]) if sliding else None


def _adaptation_rows(v: dict[str, Any], _: int) -> str:
    seq = v["train.seq_len"]
    for name in ("ttt.batch_tokens", "ttt.chunk_tokens"):
        if v["ttt.method"] != "none" and v[name] % seq:
            return f"{name} {v[name]} is not a whole number of sequences of {seq}"
    return ""


RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    *MODEL_RULES,
    (("train.steps", "train.seconds", "train.tokens"), _one_budget),
    (("train.batch_tokens", "train.seq_len", "train.micro_tokens"), _whole_sequences),
    (("train.warmdown_frac", "train.warmup_frac"), _ramps_fit),
    (("optim.muon_ns_steps", "optim.muon_ns"), _polar_has_five_steps),
    (("train.swa_start", "train.ema_decay"), _one_average),
    (("eval.geometries", "train.seq_len"), _geometries),
    (("ttt.batch_tokens", "ttt.chunk_tokens", "train.seq_len"), _adaptation_rows),
)
