"""Knobs of the residual stream: mixes, scales, skips, lanes, neighbours, the output head."""

from __future__ import annotations

from golf.config.knob import ON, WIDEST, Effect, Scale, Stage, knob
from golf.frozen import Frozen

TRAIN = Stage.TRAIN


class StreamKnobs(Frozen):
    """How blocks read from the stream, write to it, and jump over each other."""

    x0_mix: str = knob(
        "none", TRAIN, "blocks that see the embedding again: x <- a*x + b*x0 with learned a, b, "
        "one each (scalar) or one per channel", off="none",
        choices=("none", "scalar", "channel"), example="scalar", effect=Effect.LOGITS,
        aliases=("resid_mix",),
        source="karpathy/autoresearch (scalar)",
    )  # fmt: skip
    branch_scale: bool = knob(
        False, TRAIN, "learned factor per channel on what attention and the MLP add", off=False,
        example=True, effect=Effect.LOGITS,
    )  # fmt: skip
    ln_scale: str = knob(
        "none", TRAIN, "factor 1/sqrt(layer + 1), on the normalised inputs of attention and the "
        "MLP or on what they add to the stream", off="none",
        choices=("none", "norm_input", "residual"), example="norm_input", effect=Effect.LOGITS,
        source="PR 315 (norm_input), PR 1125 (residual)",
    )  # fmt: skip
    skips: str = knob(
        "none", TRAIN, "U-Net skips from the first half of the blocks to the second: added with "
        "learned weights, or blended by learned gates too", off="none",
        choices=("none", "plain", "gated"), example="gated", effect=Effect.LOGITS,
        aliases=("unet_skips",), published={"SKIP_GATES_ENABLED": "skips: gated"},
        source="modded-nanogpt (plain)",
    )  # fmt: skip
    parallel: str = knob(
        "none", TRAIN, "attention and MLP of late blocks side by side: on one stream, or on two "
        "lanes that exchange what they add", off="none",
        choices=("none", "one_stream", "two_lane"), example="two_lane", effect=Effect.LOGITS,
        aliases=("parallel_residuals",),
        source="PR 1493 (one_stream), PR 1530 (two_lane)",
    )  # fmt: skip
    parallel_start: int = knob(
        1, TRAIN, "first block that is parallel; lanes part in the second half of the blocks at "
        "the earliest", unit="layer", example=0, example_with={"model.parallel": "one_stream"},
        at_least=0, needs={"model.parallel": ON}, effect=Effect.LOGITS,
        aliases=("parallel_start_layer", "parallel_residual_start"),
    )  # fmt: skip
    lanes_out: str = knob(
        "mean", TRAIN, "what of two lanes goes to the head", choices=("mean", "attn", "mlp"),
        example="attn", needs={"model.parallel": ("two_lane",)}, effect=Effect.LOGITS,
        aliases=("parallel_final_lane",),
    )  # fmt: skip
    smear: str = knob(
        "none", TRAIN, "mix the previous token's embedding in: by a gate per channel (v1), or by "
        "one that the token's first channels set (v2)", off="none",
        choices=("none", "v1", "v2"), example="v2", effect=Effect.LOGITS, aliases=("smear_gate",),
        published={"SMEAR_GATE_ENABLED": "smear: v2"},
        source="PR 1667 (v2)",
    )  # fmt: skip
    smear_width: int = knob(
        12, TRAIN, "channels that the smear gate reads", unit="channel", example=24, at_least=1,
        scale=Scale.WIDTH, needs={"model.smear": ("v2",)}, effect=Effect.LOGITS,
        aliases=("smear_gate_width",),
    )  # fmt: skip
    smear_bos_mask: bool = knob(
        True, TRAIN, "keep a document's first token free of the document before it",
        example=False, needs={"model.smear": ON}, effect=Effect.LOGITS,
    )  # fmt: skip
    bigram_buckets: int = knob(
        0, TRAIN, "rows of a hashed table of token pairs added to the embedding (0: none)",
        unit="row", off=0, example=64, at_least=0, at_most=1_000_000, effect=Effect.LOGITS,
        aliases=("bigram_vocab_size",),
        source="PR 162",
    )  # fmt: skip
    bigram_dim: int = knob(
        128, TRAIN, "width of the pair table, projected to model_dim", unit="channel", example=32,
        at_least=1, at_most=WIDEST, scale=Scale.WIDTH, needs={"model.bigram_buckets": ON},
        effect=Effect.LOGITS,
    )  # fmt: skip
    bigram_bos_mask: bool = knob(
        True, TRAIN, "give a document's first token the row of no predecessor", example=False,
        needs={"model.bigram_buckets": ON}, effect=Effect.LOGITS,
    )  # fmt: skip
    backout: float | None = knob(
        None, TRAIN, "initial weight of the middle of the stream, taken out before the head "
        "(null: none)", off=None, example=0.2, at_least=0.0, effect=Effect.LOGITS,
        source="karpathy/nanochat",
    )  # fmt: skip
    logit_softcap: float | None = knob(
        None, TRAIN, "cap c on the logits, c*tanh(logits/c) (null: no cap)", off=None,
        example=15.0, at_least=0.1, effect=Effect.LOGITS, aliases=("softcap",),
        source="Gemma 2, arXiv 2408.00118",
    )  # fmt: skip
    softcap_dtype: str = knob(
        "float32", TRAIN, "precision in which logits are capped: float32, or that of the "
        "activations", off="float32", choices=("float32", "activation"), example="activation",
        needs={"model.logit_softcap": ON}, effect=Effect.LOGITS,
    )  # fmt: skip
    loop_count: int = knob(
        0, TRAIN, "how often blocks loop_start to loop_end run again (0: each block runs once)",
        unit="pass", off=0, example=2, at_least=0, at_most=1000, effect=Effect.LOGITS,
        aliases=("num_loops",),
        source="PR 1394",
    )  # fmt: skip
    loop_start: int = knob(
        0, TRAIN, "first block of the loop", unit="layer", example=1, at_least=0,
        needs={"model.loop_count": ON}, effect=Effect.LOGITS,
    )  # fmt: skip
    loop_end: int = knob(
        1, TRAIN, "last block of the loop", unit="layer", example=0, at_least=0,
        needs={"model.loop_count": ON}, effect=Effect.LOGITS,
    )  # fmt: skip
    loop_lora_rank: int = knob(
        0, TRAIN, "rank of adapters that tell the passes of a loop apart (0: none)",
        off=0, example=4, at_least=0, at_most=WIDEST, scale=Scale.WIDTH,
        needs={"model.loop_count": ON}, effect=Effect.LOGITS, source="PR 1125",
    )  # fmt: skip
