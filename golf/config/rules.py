"""Rules that join several knobs; one function each, with its message.

A rule sees the resolved values of one row and returns what is wrong, or nothing. The names
in ``RULES`` say which settings it is about: the message is placed at the nearest of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from golf.config.resolve import n_head
from golf.config.schema import KNOBS, is_relevant

Rule = Callable[[dict[str, Any], int], str]


def broken_rules(values: dict[str, Any], world_size: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (message, knobs it is about) for every rule that ``values`` breaks."""
    for names, rule in RULES:
        message = rule(values, world_size)
        if message:
            yield message, names


def _heads_fill_the_width(v: dict[str, Any], _: int) -> str:
    width, head = v["model.model_dim"], v["model.head_dim"]
    return f"model_dim {width} is not a multiple of head_dim {head}" if width % head else ""


def _kv_heads_share_evenly(v: dict[str, Any], _: int) -> str:
    heads, kv = n_head(v), v["model.n_kv_head"]
    if heads and heads % kv:
        return f"{heads} query heads cannot share n_kv_head {kv} evenly"
    return ""


def _rotary_pairs(v: dict[str, Any], _: int) -> str:
    turned, head = v["model.rope_dims"] or v["model.head_dim"], v["model.head_dim"]
    if turned % 2:
        return f"rotary embedding turns pairs of channels, {turned} is odd"
    return f"rope_dims {turned} exceeds head_dim {head}" if turned > head else ""


def _window_letters(v: dict[str, Any], _: int) -> str:
    pattern = v["model.window_pattern"]
    if re.fullmatch("[SL]+", pattern):
        return ""
    return f"window_pattern is letters S (short) and L (full), found {pattern!r}"


def _mlp_has_width(v: dict[str, Any], _: int) -> str:
    hidden = int(v["model.mlp_mult"] * v["model.model_dim"])
    return (
        f"the MLP needs at least 2 hidden channels, mlp_mult gives {hidden}" if hidden < 2 else ""
    )


def _gates_read_the_stream(v: dict[str, Any], _: int) -> str:
    width = v["model.model_dim"]
    gates = ("model.gate_width", "model.value_gate_width")
    wide = [n for n in gates if v[n] > width and is_relevant(KNOBS[n], v)]
    return f"{wide[0]} {v[wide[0]]} exceeds model_dim {width}" if wide else ""


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
    (("model.model_dim", "model.head_dim"), _heads_fill_the_width),
    (("model.n_kv_head", "model.head_dim", "model.model_dim"), _kv_heads_share_evenly),
    (("model.rope_dims", "model.head_dim"), _rotary_pairs),
    (("model.window_pattern",), _window_letters),
    (("model.mlp_mult", "model.model_dim"), _mlp_has_width),
    (("model.gate_width", "model.value_gate_width", "model.model_dim"), _gates_read_the_stream),
    (("train.steps", "train.seconds", "train.tokens"), _one_budget),
    (("train.batch_tokens", "train.seq_len", "train.micro_tokens"), _whole_sequences),
    (("train.warmdown_frac", "train.warmup_frac"), _ramps_fit),
    (("eval.geometries", "train.seq_len"), _geometries),
    (("ttt.batch_tokens", "ttt.chunk_tokens", "train.seq_len"), _adaptation_rows),
)
