"""Rules that join several knobs of the model; one function each, with its message.

Here stands which techniques cannot be combined, and why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from golf.config.knob import WIDEST
from golf.config.layers import layer_set
from golf.config.schema import KNOBS, is_relevant

Values = dict[str, Any]
Rule = Callable[[Values, int], str]


def _heads_divide_the_width(v: Values, _: int) -> str:
    width, heads, head = v["model.model_dim"], v["model.n_head"], v["model.head_dim"]
    fills = width == head * heads
    if fills and (head % 2 == 0 or v["model.rope_dims"]):
        return ""
    fit = (n for n in range(1, min(width // 2, WIDEST) + 1) if width % (2 * n) == 0)
    near = _nearest(heads, fit)
    if fills:
        return f"rotary embedding turns pairs of channels, n_head {heads} leaves {head} each{near}"
    return f"model_dim {width} is not a multiple of n_head {heads}{near}"


def _nearest(number: int, legal: Iterable[int]) -> str:
    """Return the legal numbers next to ``number``, as the end of a message."""
    known = sorted(legal)
    near = [n for n in known if n < number][-1:] + [n for n in known if n > number][:1]
    return f"; {' or '.join(map(str, near))} would do" if near else ""


def _heads_fill_the_width(v: Values, _: int) -> str:
    width, head = v["model.model_dim"], v["model.head_dim"]
    if width == head * v["model.n_head"]:
        return ""
    low, high = width // head * head, -(-width // head) * head
    near = f"{low} and {high} are" if low else f"{high} is"
    return (
        f"model_dim {width} is not a multiple of head_dim {head}; {near}, and where depth x "
        f"aspect_ratio gives the width, `width_rounding: up` makes it {high}"
    )


def _machines_hold_the_width(v: Values, _: int) -> str:
    width = v["model.model_dim"]
    return f"model_dim {width} is more than {WIDEST} channels" if width > WIDEST else ""


def _kv_heads_share_evenly(v: Values, _: int) -> str:
    heads, kv = v["model.n_head"], v["model.n_kv_head"]
    if not kv or heads % kv == 0:  # no head at all is for the rules above to tell
        return ""
    near = _nearest(kv, (n for n in range(1, heads + 1) if heads % n == 0))
    return f"{heads} query heads cannot share n_kv_head {kv} evenly{near}"


def _rotary_pairs(v: Values, _: int) -> str:
    turned, head = v["model.rope_dims"] or v["model.head_dim"], v["model.head_dim"]
    if turned % 2:
        name = "rope_dims" if v["model.rope_dims"] else "head_dim"
        near = _nearest(turned, range(2, turned + 2, 2))
        return f"rotary embedding turns pairs of channels, {name} {turned} is odd{near}"
    return f"rope_dims {turned} exceeds head_dim {head}" if turned > head else ""


def _rotary_scaling(v: Values, _: int) -> str:
    length, seq_len = v["model.rope_train_len"], v["train.seq_len"]
    if length is None:
        return ""
    if length >= seq_len:
        return f"rope_train_len {length} scales nothing: sequences have {seq_len} tokens"
    if v["model.rope_scaling"] == "ntk" and (v["model.rope_dims"] or v["model.head_dim"]) < 4:
        return "ntk scaling needs at least 4 rotary channels"
    return ""


def _shared_heads(v: Values, _: int) -> str:
    shared, head = v["model.shared_head_dim"], v["model.head_dim"]
    turned = v["model.rope_dims"] or head
    if not shared:
        return ""
    if turned + shared > head:
        return (
            f"shared_head_dim {shared} and rope_dims {turned} overlap in a head of {head}: "
            "shared channels carry no position"
        )
    return "one head shares with nobody" if v["model.n_head"] == 1 else ""


def _window_letters(v: Values, _: int) -> str:
    pattern = v["model.window_pattern"]
    if re.fullmatch("[SL]+", pattern):
        return ""
    return f"window_pattern is letters S (short) and L (full), found {pattern!r}"


def _layers_exist(name: str) -> Rule:
    def rule(v: Values, _: int) -> str:
        try:
            layer_set(v[name], v["model.depth"])
        except ValueError as bad:
            return f"{name}: {bad}"
        return ""

    return rule


def _mlp_has_width(v: Values, _: int) -> str:
    hidden = v["model.mlp_mult"] * v["model.model_dim"]
    if hidden >= 2:
        return ""
    return f"the MLP needs at least 2 hidden channels, mlp_mult gives {int(hidden)}"


def _gates_fit_their_source(v: Values, _: int) -> str:
    width = v["model.model_dim"]
    gates = ("model.gate_width", "model.value_gate_width", "model.smear_width")
    wide = [n for n in gates if v[n] > width and is_relevant(KNOBS[n], v)]
    return f"{wide[0]} {v[wide[0]]} exceeds model_dim {width}" if wide else ""


def _value_residual(v: Values, _: int) -> str:
    if not v["model.value_residual"]:
        return ""
    if v["model.loop_count"] and v["model.loop_start"] == 0:
        return "value_residual passes the first block's values on, which a loop would run again"
    return "value_residual needs a second block" if v["model.depth"] < 2 else ""


def _skips_join_blocks(v: Values, _: int) -> str:
    alone = v["model.depth"] + v["model.loop_count"] < 2
    return "skips join two blocks; there is one" if alone and v["model.skips"] != "none" else ""


def _parallel_blocks(v: Values, _: int) -> str:
    start, depth = v["model.parallel_start"], v["model.depth"]
    if v["model.parallel"] == "none":
        return ""
    if start >= depth:
        return f"parallel_start {start} is not one of {depth} blocks, counted from 0"
    looped = v["model.loop_count"] and v["model.loop_end"] >= start
    if looped and v["model.parallel"] == "two_lane":
        return f"a loop cannot run back from two lanes into one: it must end before block {start}"
    return ""


def _loop_bounds(v: Values, _: int) -> str:
    start, end, depth = v["model.loop_start"], v["model.loop_end"], v["model.depth"]
    if v["model.loop_count"] and not start <= end < depth:
        return f"blocks {start} to {end} are no stretch of {depth} blocks, counted from 0"
    return ""


def _bigram_rows(v: Values, _: int) -> str:
    one = v["model.bigram_buckets"] == 1
    return "bigram_buckets 1 leaves no row for pairs; use at least 2" if one else ""


def _growth(v: Values, _: int) -> str:
    start, depth = v["train.grow_from"], v["model.depth"]
    if start is None:
        return ""
    if start >= depth:
        return f"a model of {depth} blocks cannot grow from {start}"
    if v["model.loop_count"] and v["model.loop_end"] >= start:
        return f"the loop ends at block {v['model.loop_end']}, beyond the first {start} blocks"
    listed = [n for n in ("model.value_embed", "model.xsa") if v[n] not in ("none", "all")]
    if listed:
        return f"{listed[0]} names layers of the grown model; a growing one takes all or none"
    return ""


# One mistake breaks several of these: the first is told. Either n_head or head_dim is set.
SHAPE_RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    (("model.n_head", "model.model_dim", "model.aspect_ratio"), _heads_divide_the_width),
    (("model.rope_dims", "model.head_dim", "model.n_head"), _rotary_pairs),
    (("model.head_dim", "model.model_dim", "model.aspect_ratio"), _heads_fill_the_width),
    (
        ("model.n_kv_head", "model.n_head", "model.head_dim", "model.model_dim"),
        _kv_heads_share_evenly,
    ),
)
SHAPES = tuple(names for names, _ in SHAPE_RULES)
MODEL_RULES: tuple[tuple[tuple[str, ...], Rule], ...] = (
    *SHAPE_RULES,
    (("model.aspect_ratio", "model.depth"), _machines_hold_the_width),
    (("model.rope_train_len", "model.rope_dims", "train.seq_len"), _rotary_scaling),
    (("model.shared_head_dim", "model.rope_dims", "model.head_dim", "model.n_head"), _shared_heads),
    (("model.window_pattern",), _window_letters),
    (("model.value_embed", "model.depth"), _layers_exist("model.value_embed")),
    (("model.xsa", "model.depth"), _layers_exist("model.xsa")),
    (("model.mlp_mult", "model.model_dim"), _mlp_has_width),
    (
        ("model.gate_width", "model.value_gate_width", "model.smear_width", "model.model_dim"),
        _gates_fit_their_source,
    ),
    (("model.value_residual", "model.loop_start"), _value_residual),
    (("model.skips", "model.depth"), _skips_join_blocks),
    (("model.parallel", "model.parallel_start", "model.loop_end"), _parallel_blocks),
    (("model.loop_end", "model.loop_start", "model.depth"), _loop_bounds),
    (("model.bigram_buckets",), _bigram_rows),
    (("train.grow_from", "model.depth", "model.loop_end"), _growth),
)
