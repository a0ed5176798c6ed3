"""Knobs of attention: windows, positions, heads, value embeddings, gates."""

from __future__ import annotations

from golf.config.knob import ON, WIDEST, Effect, Scale, Stage, knob
from golf.frozen import Frozen

TRAIN = Stage.TRAIN
GATED = {"model.attn_gate": ON}
WITH_VALUE_EMBED = {"model.value_embed": ON}
LAYER_TABLES = {**WITH_VALUE_EMBED, "model.value_embed_dim": (None,)}
LAYERS = "none, all, alternate (every second, the last included), last:N, or a list 0,4,7"


class AttentionKnobs(Frozen):
    """What happens between the projections to queries, keys and values and the one back."""

    window_pattern: str = knob(
        "L", TRAIN, "attention window of each layer, repeated over the depth: S short, L full; "
        "the last layer is always full", off="L", example="SL", effect=Effect.LOGITS,
        source="karpathy/autoresearch",
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
        source="arXiv 2104.09864; as a part of the head, GPT-J",
    )  # fmt: skip
    rope_base: float = knob(
        10000.0, TRAIN, "base of the rotary embedding's wavelengths", example=1000.0,
        at_least=1.0, effect=Effect.LOGITS,
        source="arXiv 2104.09864",
    )  # fmt: skip
    rope_train_len: int | None = knob(
        None, TRAIN, "sequence length that rotary positions are meant for; longer sequences are "
        "scaled (null: no scaling)", unit="token", off=None, example=32, at_least=2,
        scale=Scale.SEQUENCE, effect=Effect.LOGITS, aliases=("rope_train_seq_len",),
        published={"ROPE_YARN": "rope_train_len: 1024"},
    )  # fmt: skip
    rope_scaling: str = knob(
        "ntk", TRAIN, "what stretches rotary positions: a larger base (ntk, which scripts of the "
        "field call yarn), or a blend by wavelength (yarn)", choices=("ntk", "yarn"),
        example="yarn", needs={"model.rope_train_len": ON}, effect=Effect.LOGITS,
        source="arXiv 2309.00071 (yarn)",
    )  # fmt: skip
    qk_norm: bool = knob(
        True, TRAIN, "normalise queries and keys per head", example=False, effect=Effect.LOGITS,
        source="arXiv 2302.05442",
    )  # fmt: skip
    q_gain: float | None = knob(
        None, TRAIN, "initial value of a learned gain on each query head (null: no gain)",
        off=None, example=4.0, at_least=0.0, effect=Effect.LOGITS,
        aliases=("qk_gain_init", "qk_gain"),
    )  # fmt: skip
    shared_head_dim: int = knob(
        0, TRAIN, "trailing channels of each head whose query (and key) weights all heads share",
        unit="channel", off=0, example=8, example_with={"model.rope_dims": 16}, at_least=0,
        at_most=WIDEST, effect=Effect.LOGITS, scale=Scale.WIDTH,
        source="PR 1774",
    )  # fmt: skip
    value_embed: str = knob(
        "none", TRAIN, f"layers whose values get a token embedding added: {LAYERS}", off="none",
        example="alternate", effect=Effect.LOGITS, aliases=("value_embedding", "ve_mode"),
        published={"VE_ENABLED": "value_embed: all", "VE_LAYERS": "value_embed: '9,10'"},
        source="karpathy/autoresearch",
    )  # fmt: skip
    value_embed_dim: int | None = knob(
        None, TRAIN, "width of one value table that all layers share through a projection (null: "
        "a full table per layer)", unit="channel", off=None, example=16, at_least=1,
        at_most=WIDEST, scale=Scale.WIDTH, needs=WITH_VALUE_EMBED, effect=Effect.LOGITS,
        aliases=("ve_dim",), source="parameter-golf, March 2026",
    )  # fmt: skip
    value_gate: str = knob(
        "learned", TRAIN, "gate on the value embedding: learned from the input, or fixed at 1",
        choices=("learned", "fixed"), example="fixed",
        needs=LAYER_TABLES,
        effect=Effect.LOGITS, aliases=("ve_gate",),
        source="karpathy/autoresearch",
    )  # fmt: skip
    value_gate_width: int = knob(
        32, TRAIN, "residual channels that the learned value gate reads", unit="channel",
        example=16, at_least=1, effect=Effect.LOGITS, scale=Scale.WIDTH,
        needs={**LAYER_TABLES, "model.value_gate": ("learned",)}, aliases=("ve_gate_channels",),
    )  # fmt: skip
    value_residual: bool = knob(
        False, TRAIN, "mix the first layer's values into every later layer's, by learned weights",
        off=False, example=True, effect=Effect.LOGITS,
        source="arXiv 2410.17897",
    )  # fmt: skip
    xsa: str = knob(
        "none", TRAIN, "layers whose heads drop what they read along their own position's value: "
        + LAYERS, off="none", example="all", effect=Effect.LOGITS, aliases=("xsa_layers",),
        published={"XSA_LAST_N": "xsa: last:4"},
        source="PR 287",
    )  # fmt: skip
    xsa_gated: bool = knob(
        False, TRAIN, "learn per head how much of it is dropped", off=False, example=True,
        needs={"model.xsa": ON}, effect=Effect.LOGITS, aliases=("gated_xsa",),
        source="PR 1125",
    )  # fmt: skip
    attn_gate: str = knob(
        "none", TRAIN, "gate on the output of each attention head", off="none",
        choices=("none", "out_gate", "gated", "sparse", "bias"), example="out_gate",
        effect=Effect.LOGITS,
        published={
            "ATTN_OUT_GATE_ENABLED": "attn_gate: out_gate", "GATED_ATTN": "attn_gate: gated",
            "GATED_ATTN_ENABLED": "attn_gate: gated",
            "SPARSE_ATTN_GATE_ENABLED": "attn_gate: sparse",
        },
        source="PR 1667 (out_gate), PR 1787 (sparse), PR 399 (bias), arXiv 2505.06708 (gated)",
    )  # fmt: skip
    gate_width: int = knob(
        12, TRAIN, "channels that the output gate reads", unit="channel", example=24,
        at_least=1, effect=Effect.LOGITS, scale=Scale.WIDTH,
        needs={"model.attn_gate": ("out_gate", "sparse")}, aliases=("gate_window",),
        source="PR 1667, PR 1787",
    )  # fmt: skip
    gate_scale: float = knob(
        1.0, TRAIN, "factor on what the sparse gate's sigmoid sees", example=0.5, at_least=0.0,
        needs={"model.attn_gate": ("sparse",)}, effect=Effect.LOGITS,
        aliases=("sparse_attn_gate_scale",),
        source="PR 1787",
    )  # fmt: skip
    gate_src: str = knob(
        "normed", TRAIN, "what the output gate reads: attention's normalised input, the residual "
        "stream, or the raw queries", choices=("normed", "residual", "q"), example="residual",
        needs=GATED, effect=Effect.LOGITS, aliases=("attn_out_gate_src",),
        source="PR 1667 (normed), PR 1693 (residual)",
    )  # fmt: skip
