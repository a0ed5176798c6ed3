"""Values that follow from other values, filled in before a node's key is made.

Keys hash what a setting means, not how it was written: ``n_kv_head`` left open and
``n_kv_head`` equal to the number of heads are one model and share one key.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from golf.config.knob import Value
from golf.config.layers import format_layers, layer_set

Draft = dict[str, Value]

# Row clip in standard deviations by bit width: where the loss of trained weights is flat or
# least. At four bits the grid has 15 levels, and clipping keeps them where the weights are.
CLIP_SIGMAS = {2: 1.5, 3: 2.5, 4: 3.0, 5: 3.5, 6: 4.0, 7: 5.0, 8: 6.0}
MICRO_TOKENS = {"cpu": 2048, "cuda": 65536}


def resolve(values: Draft, device: str, world_size: int) -> Draft:
    """Return ``values`` with every open value filled in; illegal shapes are left for the rules."""
    return {**values, **filled(values, device, world_size)}


def filled(values: Draft, device: str, world_size: int) -> Draft:
    """Return the values that are filled in, by name."""
    done = values.copy()
    for name, fill in FILLERS.items():
        done[name] = fill(done)
    if done["train.micro_tokens"] is None:
        done["train.micro_tokens"] = _micro_tokens(done, MICRO_TOKENS[device], world_size)
    return {name: done[name] for name in (*FILLERS, "train.micro_tokens")}


def n_head(values: Draft) -> int:
    """Return the number of query heads, model_dim / head_dim."""
    return _int(values, "model.model_dim") // max(_int(values, "model.head_dim"), 1)


def _int(values: Draft, name: str) -> int:
    value = values[name]
    assert isinstance(value, int), name
    return value


def budget_steps(values: Draft) -> Value:
    """Return the budget in steps; None when it is in seconds."""
    tokens = values["train.tokens"]
    if not isinstance(tokens, int):
        return values["train.steps"]
    return math.ceil(tokens / _int(values, "train.batch_tokens"))


def _model_dim(values: Draft) -> Value:
    """Return the width, depth x aspect_ratio where that is given."""
    if values["model.aspect_ratio"] is None:
        return values["model.model_dim"]
    width = _int(values, "model.depth") * _int(values, "model.aspect_ratio")
    if values["model.width_rounding"] == "up" and values["model.n_head"] is None:
        head_dim = max(_int(values, "model.head_dim"), 1)
        return -(-width // head_dim) * head_dim
    return width


def _head_dim(values: Draft) -> Value:
    """Return the width of a head, model_dim / n_head where that is given."""
    heads, width = values["model.n_head"], _int(values, "model.model_dim")
    return width // heads if isinstance(heads, int) else values["model.head_dim"]


def _n_head(values: Draft) -> Value:
    open_value = values["model.n_head"] is None
    return n_head(values) if open_value else values["model.n_head"]


def _layers(name: str) -> Callable[[Draft], Value]:
    def fill(values: Draft) -> Value:
        text, depth = str(values[name]), _int(values, "model.depth")
        try:
            return format_layers(layer_set(text, depth), depth)
        except ValueError:
            return text

    return fill


def _leaky_slope(values: Draft) -> Value:
    return 0.0 if values["model.mlp_act"] == "relu2" else values["model.leaky_slope"]


def _mlp_act(values: Draft) -> Value:
    squared = values["model.mlp_act"] == "relu2"
    return "leaky_relu2" if squared else values["model.mlp_act"]


def _n_kv_head(values: Draft) -> Value:
    open_value = values["model.n_kv_head"] is None
    return n_head(values) if open_value else values["model.n_kv_head"]


def _rope_dims(values: Draft) -> Value:
    whole = values["model.rope_dims"] == values["model.head_dim"]
    return 0 if whole else values["model.rope_dims"]


def _window_pattern(values: Draft) -> Value:
    """Return one letter per layer, the last one L; a model with full windows only is ``L``."""
    pattern, depth = str(values["model.window_pattern"]), _int(values, "model.depth")
    if not pattern or not set(pattern) <= set("SL"):
        return pattern
    layers = (pattern * depth)[: depth - 1] + "L"
    return layers if "S" in layers and values["model.short_window"] != 1.0 else "L"


def _parallel_start(values: Draft) -> Value:
    """Return the first parallel block; two lanes part in the second half at the earliest."""
    start, depth = _int(values, "model.parallel_start"), _int(values, "model.depth")
    fixed = not values["model.loop_count"] and values["train.grow_from"] is None
    return max(start, depth // 2) if fixed and values["model.parallel"] == "two_lane" else start


def _data_seed(values: Draft) -> Value:
    open_value = values["train.data_seed"] is None
    return values["train.seed"] if open_value else values["train.data_seed"]


def _bits(role: str) -> Callable[[Draft], Value]:
    return lambda values: values[f"quant.{role}_bits"] or values["quant.bits"]


def _clip(role: str) -> Callable[[Draft], Value]:
    """Fill in a clip: the role's own, that of all matrices, or the one that fits the bits."""

    def fill(values: Draft) -> Value:
        fallback = values["quant.clip_sigmas"] if role in ("attn_", "mlp_") else None
        bits = _int(values, f"quant.{role}bits")
        return values[f"quant.{role}clip_sigmas"] or fallback or CLIP_SIGMAS[bits]

    return fill


def _qat_clip(values: Draft) -> Value:
    """Return where late training clips: as the export does, if it has that grid."""
    bits, given = values["train.qat_bits"], values["train.qat_clip_sigmas"]
    if not isinstance(bits, int):
        return None
    same_grid = bits == values["quant.bits"] and values["quant.clip"] == "sigma"
    return given or (same_grid and values["quant.clip_sigmas"]) or CLIP_SIGMAS[bits]


def _micro_tokens(values: Draft, most: int, world_size: int) -> int:
    """Return the largest number of whole sequences that divides a rank's share of a step."""
    seq_len = _int(values, "train.seq_len")
    rows = _int(values, "train.batch_tokens") // max(seq_len * world_size, 1)
    fits = (r for r in range(min(rows, most // max(seq_len, 1)), 0, -1) if rows % r == 0)
    return next(fits, 1) * seq_len


def _eval_seq_len(values: Draft) -> Value:
    """Return None where windows are as long as in training."""
    same = values["eval.seq_len"] == values["train.seq_len"]
    return None if same else values["eval.seq_len"]


def _lora_alpha(values: Draft) -> Value:
    given = values["ttt.lora_alpha"]
    return float(_int(values, "ttt.lora_rank")) if given is None else given


FILLERS: dict[str, Callable[[Draft], Value]] = {
    "train.steps": budget_steps,
    "train.tokens": lambda values: None,
    "train.data_seed": _data_seed,
    "model.model_dim": _model_dim,
    "model.aspect_ratio": lambda values: None,
    "model.head_dim": _head_dim,
    "model.n_head": _n_head,
    "model.n_kv_head": _n_kv_head,
    "model.leaky_slope": _leaky_slope,
    "model.mlp_act": _mlp_act,
    "model.value_embed": _layers("model.value_embed"),
    "model.xsa": _layers("model.xsa"),
    "model.rope_dims": _rope_dims,
    "model.window_pattern": _window_pattern,
    "model.parallel_start": _parallel_start,
    "train.qat_clip_sigmas": _qat_clip,
    "quant.attn_bits": _bits("attn"),
    "quant.mlp_bits": _bits("mlp"),
    "quant.attn_clip_sigmas": _clip("attn_"),
    "quant.mlp_clip_sigmas": _clip("mlp_"),
    "quant.embed_clip_sigmas": _clip("embed_"),
    "quant.clip_sigmas": _clip(""),
    "eval.seq_len": _eval_seq_len,
    "ttt.lora_alpha": _lora_alpha,
}
