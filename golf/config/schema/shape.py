"""Knobs of the model's shape: depth, widths, heads, embeddings, initial weights."""

from __future__ import annotations

from golf.config.knob import ON, WIDEST, Effect, Scale, Stage, knob
from golf.frozen import Frozen

TRAIN = Stage.TRAIN


class ShapeKnobs(Frozen):
    """How large the model is, and how its weights start."""

    depth: int = knob(
        4, TRAIN, "number of blocks", unit="layer", example=6, at_least=1, at_most=1000,
        effect=Effect.LOGITS, aliases=("num_layers", "n_layer", "n_layers"),
    )  # fmt: skip
    model_dim: int = knob(
        128, TRAIN, "width of the residual stream", unit="channel", example=192, at_least=2,
        at_most=WIDEST, effect=Effect.LOGITS, scale=Scale.WIDTH, multiple_of=2,
        aliases=("n_embd", "dim", "width"), exclusive="width",
    )  # fmt: skip
    aspect_ratio: int | None = knob(
        None, TRAIN, "model_dim as a multiple of depth (null: model_dim is given)",
        unit="channel/layer", off=None, example=48, at_least=1, at_most=WIDEST,
        effect=Effect.LOGITS, scale=Scale.WIDTH, exclusive="width", aliases=("aspect",),
        source="karpathy/autoresearch",
    )  # fmt: skip
    width_rounding: str = knob(
        "error", TRAIN, "what to do where depth x aspect_ratio is no multiple of head_dim: refuse "
        "it, or round up", choices=("error", "up"), example="up", effect=Effect.LOGITS,
        example_with={"model.aspect_ratio": 40}, needs={"model.aspect_ratio": ON},
    )  # fmt: skip
    head_dim: int = knob(
        32, TRAIN, "width of one attention head", unit="channel", example=64, at_least=2,
        at_most=WIDEST, effect=Effect.LOGITS, scale=Scale.WIDTH, multiple_of=2, exclusive="heads",
    )  # fmt: skip
    n_head: int | None = knob(
        None, TRAIN, "number of query heads (null: model_dim / head_dim)", unit="head", example=8,
        at_least=1, at_most=WIDEST, effect=Effect.LOGITS, exclusive="heads",
        aliases=("num_heads", "n_heads"),
    )  # fmt: skip
    n_kv_head: int | None = knob(
        None, TRAIN, "key and value heads shared by the query heads (null: one each; 1: MQA)",
        unit="head", example=1, at_least=1, at_most=WIDEST, effect=Effect.LOGITS,
        aliases=("num_kv_heads", "kv_heads", "n_kv_heads"),
    )  # fmt: skip
    mlp_mult: float = knob(
        4.0, TRAIN, "hidden width of the MLP as a multiple of model_dim", unit="x model_dim",
        example=3.0, at_least=0.01, at_most=1000, effect=Effect.LOGITS,
        aliases=("mlp_ratio", "mlp_expansion"),
    )  # fmt: skip
    mlp_act: str = knob(
        "leaky_relu2", TRAIN, "activation of the MLP; relu2 is leaky_relu2 with slope 0",
        choices=("leaky_relu2", "relu2", "swiglu", "sin2"), example="swiglu",
        effect=Effect.LOGITS, aliases=("activation",),
        source="PR 493 (leaky_relu2), arXiv 2109.08668 (relu2), arXiv 2002.05202 (swiglu)",
    )  # fmt: skip
    leaky_slope: float = knob(
        0.5, TRAIN, "slope of the squared leaky ReLU below zero (0: squared ReLU)", off=0.0,
        example=0.3, at_least=0.0, at_most=1.0, effect=Effect.LOGITS,
        needs={"model.mlp_act": ("leaky_relu2",)},
        aliases=("leaky_relu_slope", "activation_slope"),
        source="PR 493",
    )  # fmt: skip
    tied: bool = knob(
        True, TRAIN, "use the token embedding as the output head too", example=False,
        effect=Effect.LOGITS, aliases=("tie_embeddings", "tied_embeddings"),
    )  # fmt: skip
    init: str = knob(
        "uniform", TRAIN, "initial weights of inner linear maps: uniform ±sqrt(3/n_in), kaiming "
        "(±1/sqrt(n_in)), or orthogonal where both sides have 64 channels and kaiming elsewhere",
        choices=("uniform", "kaiming", "orthogonal"), example="kaiming",
        source="karpathy/autoresearch (uniform)",
    )  # fmt: skip
    embed_init_std: float = knob(
        0.005, TRAIN, "standard deviation of the token embedding at the start", example=0.01,
        at_least=0.0, aliases=("tied_embed_init_std",),
    )  # fmt: skip
    head_init_std: float = knob(
        0.0, TRAIN, "standard deviation of an output head of its own at the start", off=0.0,
        example=0.001, at_least=0.0, needs={"model.tied": (False,)},
    )  # fmt: skip
    embed_dtype: str = knob(
        "float32", TRAIN, "type in which embedding tables are kept and updated",
        choices=("float32", "bfloat16"), example="bfloat16",
    )  # fmt: skip
