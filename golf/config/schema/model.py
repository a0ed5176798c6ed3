"""Knobs of the model: its shape and the parts it is built from."""

from __future__ import annotations

from dataclasses import dataclass

from golf.config.knob import ON, Effect, Scale, Stage, knob

TRAIN = Stage.TRAIN
WITH_VALUE_EMBED = {"model.value_embed": ("alternate", "all")}


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """A pre-norm decoder; every part is chosen when the model is built."""

    depth: int = knob(
        4, TRAIN, "number of blocks", unit="layer", example=6, at_least=1, effect=Effect.LOGITS,
        aliases=("num_layers", "n_layer", "n_layers"),
    )  # fmt: skip
    model_dim: int = knob(
        128, TRAIN, "width of the residual stream", unit="channel", example=192, at_least=2,
        effect=Effect.LOGITS, scale=Scale.WIDTH, multiple_of=2, aliases=("n_embd", "dim", "width"),
    )  # fmt: skip
    head_dim: int = knob(
        32, TRAIN, "width of one attention head", unit="channel", example=64, at_least=2,
        effect=Effect.LOGITS, scale=Scale.WIDTH, multiple_of=2,
    )  # fmt: skip
    n_kv_head: int | None = knob(
        None, TRAIN, "key and value heads shared by the query heads (null: one each; 1: MQA)",
        unit="head", example=1, at_least=1, effect=Effect.LOGITS,
        aliases=("num_kv_heads", "kv_heads", "n_kv_heads"),
    )  # fmt: skip
    mlp_mult: float = knob(
        4.0, TRAIN, "hidden width of the MLP as a multiple of model_dim", unit="x model_dim",
        example=3.0, at_least=0.01, effect=Effect.LOGITS, aliases=("mlp_ratio", "mlp_expansion"),
    )  # fmt: skip
    leaky_slope: float = knob(
        0.5, TRAIN, "slope of the squared leaky ReLU below zero (0: squared ReLU)", off=0.0,
        example=0.3, at_least=0.0, at_most=1.0, effect=Effect.LOGITS,
        aliases=("leaky_relu_slope", "activation_slope"),
    )  # fmt: skip
    window_pattern: str = knob(
        "L", TRAIN, "attention window of each layer, repeated over the depth: S short, L full; "
        "the last layer is always full", off="L", example="SL", effect=Effect.LOGITS,
    )  # fmt: skip
    short_window: float = knob(
        0.5, TRAIN, "short window (S) as a share of the sequence length", unit="x seq_len",
        example=0.25, at_least=0.001, at_most=1.0, effect=Effect.LOGITS,
        needs={"model.window_pattern": ON},
    )  # fmt: skip
    rope_dims: int = knob(
        0, TRAIN, "leading head channels that rotary embedding turns (0: all of them)",
        unit="channel", off=0, example=16, at_least=0, effect=Effect.LOGITS, scale=Scale.WIDTH,
        multiple_of=2,
    )  # fmt: skip
    rope_base: float = knob(
        10000.0, TRAIN, "base of the rotary embedding's wavelengths", example=1000.0,
        at_least=1.0, effect=Effect.LOGITS,
    )  # fmt: skip
    q_gain: float | None = knob(
        None, TRAIN, "initial value of a learned gain on each query head (null: no gain)",
        off=None, example=4.0, at_least=0.0, effect=Effect.LOGITS, aliases=("qk_gain_init",),
    )  # fmt: skip
    value_embed: str = knob(
        "none", TRAIN, "layers whose values get a token embedding added", off="none",
        choices=("none", "alternate", "all"), example="alternate", effect=Effect.LOGITS,
        aliases=("value_embedding", "ve_mode"),
    )  # fmt: skip
    value_gate: str = knob(
        "learned", TRAIN, "gate on the value embedding: learned from the input, or fixed at 1",
        choices=("learned", "fixed"), example="fixed", needs=WITH_VALUE_EMBED,
        effect=Effect.LOGITS, aliases=("ve_gate",),
    )  # fmt: skip
    value_gate_width: int = knob(
        32, TRAIN, "residual channels that the learned value gate reads", unit="channel",
        example=16, at_least=1, effect=Effect.LOGITS, scale=Scale.WIDTH,
        needs={**WITH_VALUE_EMBED, "model.value_gate": ("learned",)}, aliases=("ve_gate_channels",),
    )  # fmt: skip
    attn_gate: str = knob(
        "none", TRAIN, "gate on the output of each attention head", off="none",
        choices=("none", "out_gate"), example="out_gate", effect=Effect.LOGITS,
    )  # fmt: skip
    gate_width: int = knob(
        12, TRAIN, "residual channels that the output gate reads", unit="channel", example=24,
        at_least=1, effect=Effect.LOGITS, scale=Scale.WIDTH,
        needs={"model.attn_gate": ("out_gate",)},
    )  # fmt: skip
    x0_mix: str = knob(
        "none", TRAIN, "blocks that see the embedding again: x <- a*x + b*x0 with learned a, b",
        off="none", choices=("none", "scalar"), example="scalar", effect=Effect.LOGITS,
        aliases=("resid_mix",),
    )  # fmt: skip
    logit_softcap: float | None = knob(
        None, TRAIN, "cap c on the logits, c*tanh(logits/c) (null: no cap)", off=None,
        example=15.0, at_least=0.1, effect=Effect.LOGITS, aliases=("softcap",),
    )  # fmt: skip
    tied: bool = knob(
        True, TRAIN, "use the token embedding as the output head too", example=False,
        effect=Effect.LOGITS, aliases=("tie_embeddings", "tied_embeddings"),
    )  # fmt: skip
    embed_init_std: float = knob(
        0.005, TRAIN, "standard deviation of the token embedding at the start", example=0.01,
        at_least=0.0, aliases=("tied_embed_init_std",),
    )  # fmt: skip
