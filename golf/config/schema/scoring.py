"""Knobs of scoring: how validation text is cut, and how the model adapts to it."""

from __future__ import annotations

from golf.config.knob import LONGEST, ON, WIDEST, Scale, Stage, knob
from golf.frozen import Frozen

EVALUATE, TTT = Stage.EVALUATE, Stage.TTT
SGD = {"ttt.method": ("sgd",)}
LORA = {"ttt.method": ("lora",)}
LORA_TARGETS = ("q", "k", "v", "o", "mlp", "head")
SEVERAL = {"eval.max_tokens": 16384, "ttt.lora_chunk": 128, "ttt.lora_rank": 8}
PHASED = {**LORA, "ttt.phases": ON}


class EvalConfig(Frozen):
    """How validation text is cut into windows and scored; each geometry is one column."""

    geometries: tuple[str, ...] = knob(
        ("chunked",), EVALUATE, "ways to score: chunked; slidingN with a stride of N tokens; "
        "documents, which no window crosses; documentsN with a stride; deltas use the first",
        example=("sliding64",), aliases=("evaluate",), shared=True,
        published=dict.fromkeys(("EVAL_STRIDE", "SLIDING_WINDOW_ENABLED"), "evaluate: sliding64"),
    )  # fmt: skip
    max_tokens: int | None = knob(
        None, EVALUATE, "score only the first so many targets (null: the whole split)",
        unit="token", off=None, example=4096, at_least=1, aliases=("eval_tokens",), shared=True,
    )  # fmt: skip
    seq_len: int | None = knob(
        None, EVALUATE, "length of an evaluation window (null: that of training)", unit="token",
        off=None, example=256, at_least=2, at_most=LONGEST, bare=False,
        scale=Scale.SEQUENCE, multiple_of=8, aliases=("eval_seq_len",),
    )  # fmt: skip
    rope_scaling: str = knob(
        "none", EVALUATE, "what stretches rotary positions in windows longer than training's, "
        "where model.rope_train_len does not already: a larger base (ntk), or a blend by "
        "wavelength (yarn)", choices=("none", "ntk", "yarn"), off="none", example="ntk",
        bare=False, needs={"eval.seq_len": ON}, aliases=("eval_rope_scaling",),
        source="arXiv 2309.00071 (yarn)",
    )  # fmt: skip
    convention: str = knob(
        "all_targets", EVALUATE, "targets that bits per byte count: all, or none of the control "
        "tokens (ids 0 to 3)", choices=("all_targets", "skip_special"), off="all_targets",
        example="skip_special", example_with={"eval.max_tokens": 16384}, shared=True,
        aliases=("bpb_convention",),
        source="karpathy/autoresearch (skip_special)",
    )  # fmt: skip


class MethodKnobs(Frozen):
    """Which adaptation there is, if any."""

    method: str = knob(
        "none", TTT, "how the model adapts while it is scored: SGD on the stream's chunks, or "
        "low-rank adapters of each document", off="none", choices=("none", "sgd", "lora"),
        example="sgd", bare=False, aliases=("ttt", "ttt_method"),
        published={"TTT_ENABLED": "ttt: lora"},
        source="PR 549 (sgd), PR 1530 (lora)",
    )  # fmt: skip


class SgdKnobs(Frozen):
    """Score a chunk of the stream, then train the model on it (parameter-golf PR 549)."""

    geometry: str | None = knob(
        None, TTT, "geometry in which chunks are scored (null: the first of eval.geometries)",
        off=None, example="sliding32", bare=False, needs=SGD, aliases=("ttt_geometry",),
    )  # fmt: skip
    lr: float = knob(
        0.002, TTT, "learning rate at the first chunk; it falls as a half cosine",
        example=0.01, at_least=0.0, bare=False, needs=SGD, aliases=("ttt_lr",),
    )  # fmt: skip
    momentum: float = knob(
        0.9, TTT, "momentum of SGD", example=0.5, at_least=0.0, at_most=0.9999, bare=False,
        needs=SGD, aliases=("ttt_momentum",),
    )  # fmt: skip
    epochs: int = knob(
        1, TTT, "passes over a chunk once it is scored", unit="pass", example=2, at_least=1,
        bare=False, needs=SGD, aliases=("ttt_epochs",),
    )  # fmt: skip
    chunk_tokens: int = knob(
        32768, TTT, "targets that are scored before the model learns from them",
        unit="token", example=1024, at_least=2, bare=False, needs=SGD, scale=Scale.TEXT,
        aliases=("ttt_chunk_tokens",),
    )  # fmt: skip
    batch_tokens: int = knob(
        2048, TTT, "tokens in one SGD step", unit="token", example=256, at_least=2,
        bare=False, needs=SGD, scale=Scale.TEXT, aliases=("ttt_batch_tokens",),
        published={"TTT_BATCH_SEQS": "ttt_batch_tokens: 65536"},
    )  # fmt: skip
    update_every: int = knob(
        1, TTT, "learn from every n-th chunk only; all chunks are scored", unit="chunk",
        example=2, at_least=1, bare=False, needs=SGD, aliases=("ttt_update_every",),
    )  # fmt: skip
    grad_clip: float = knob(
        1.0, TTT, "largest global norm of the gradient (0: unlimited)", off=0.0,
        example=0.1, at_least=0.0, bare=False, needs=SGD, aliases=("ttt_grad_clip",),
    )  # fmt: skip
    freeze_blocks: int = knob(
        0, TTT, "blocks at the bottom that do not learn", unit="layer", off=0, example=1,
        at_least=0, bare=False, needs=SGD, aliases=("ttt_freeze_blocks",),
    )  # fmt: skip


class LoraKnobs(Frozen):
    """Low-rank adapters that follow one document each (parameter-golf PR 1530)."""

    lora_rank: int = knob(
        96, TTT, "rank of a document's adapters", unit="channel", example=8, at_least=1,
        at_most=WIDEST, needs=LORA, scale=Scale.WIDTH, aliases=("ttt_lora_rank",), bare=False,
    )  # fmt: skip
    lora_alpha: float | None = knob(
        None, TTT, "adapters are scaled by alpha / rank (null: alpha is the rank)", example=144.0,
        at_least=0.0, needs=LORA, scale=Scale.WIDTH, aliases=("ttt_lora_alpha",), bare=False,
    )  # fmt: skip
    lora_targets: tuple[str, ...] = knob(
        LORA_TARGETS, TTT, "where adapters sit: q, k, v; o and mlp beside the whole branch; head",
        example=("q", "v", "head"), needs=LORA,
        aliases=("ttt_lora_targets",), bare=False,
        published=dict.fromkeys(
            ("TTT_K_LORA", "TTT_O_LORA", "TTT_MLP_LORA"), "ttt_lora_targets: [q, v, head]"
        ),
    )  # fmt: skip
    lora_chunk: int = knob(
        48, TTT, "targets of a document that are scored before its adapters learn from them",
        unit="token", example=96, at_least=1, needs=LORA, multiple_of=8,
        aliases=("ttt_chunk_size",), bare=False,
    )  # fmt: skip
    lora_batch: int = knob(
        64, TTT, "documents that are followed side by side", unit="document", example=1,
        example_with=SEVERAL, at_least=1, needs=LORA, bare=False,
        aliases=("ttt_batch_size", "ttt_batch_docs"),
    )  # fmt: skip
    order: str = knob(
        "longest", TTT, "order of the documents, fixed before the first is scored: longest first, "
        "or as they lie", choices=("longest", "file"), example="file", needs=LORA,
        example_with={**SEVERAL, "data.caseops": True, "data.vocab_size": 400}, bare=False,
        aliases=("ttt_order",),
    )  # fmt: skip
    lora_lr: float = knob(
        1e-4, TTT, "learning rate of the adapters' AdamW", example=0.01, at_least=0.0, needs=LORA,
        aliases=("ttt_lora_lr",), bare=False,
    )  # fmt: skip
    beta1: float = knob(
        0.0, TTT, "the adapters' AdamW: decay of the gradient average", example=0.9, at_least=0.0,
        at_most=0.9999, needs=LORA, aliases=("ttt_beta1",), bare=False,
    )  # fmt: skip
    beta2: float = knob(
        0.999, TTT, "the adapters' AdamW: decay of the squared gradient average", example=0.9,
        at_least=0.0, at_most=0.99999, needs=LORA, aliases=("ttt_beta2",), bare=False,
    )  # fmt: skip
    weight_decay: float = knob(
        0.5, TTT, "the adapters' AdamW: decoupled weight decay", off=0.0, example=100.0,
        at_least=0.0, needs=LORA, aliases=("ttt_weight_decay",), bare=False,
    )  # fmt: skip
    warm_a: bool = knob(
        False, TTT, "keep the down-projection A from document to document; B starts at zero "
        "again", off=False, example=True, example_with={**SEVERAL, "ttt.lora_batch": 1},
        needs=LORA, aliases=("ttt_warm_start_a", "ttt_warm_a"), bare=False,
        source="PR 1787",
    )  # fmt: skip


class PhaseKnobs(Frozen):
    """Pauses in which the model itself learns from the documents so far (PR 1610, 1626)."""

    phases: int = knob(
        0, TTT, "pauses for SGD on all documents scored so far (0: none)", off=0, example=1,
        example_with=SEVERAL, at_least=0, needs=LORA, bare=False,
        aliases=("phased_ttt_num_phases",), published={"TTT_PHASED": "phased_ttt_num_phases: 1"},
        source="PR 1610, PR 1626",
    )  # fmt: skip
    prefix_docs: int | None = knob(
        None, TTT, "documents scored before the last pause, which the pauses divide evenly (null: "
        "half of them)", unit="document", example=2000, example_with=SEVERAL, at_least=1,
        needs=PHASED, scale=Scale.STEPS,
        aliases=("phased_ttt_prefix_docs",), bare=False,
    )  # fmt: skip
    phase_lr: float = knob(
        0.001, TTT, "learning rate of SGD at the start of a pause; it falls as a half cosine",
        example=0.02, example_with=SEVERAL, at_least=0.0, needs=PHASED, bare=False,
        aliases=("global_ttt_lr",),
    )  # fmt: skip
    phase_momentum: float = knob(
        0.9, TTT, "momentum of SGD in a pause", example=0.5, example_with=SEVERAL, at_least=0.0,
        at_most=0.9999, needs=PHASED, aliases=("global_ttt_momentum",), bare=False,
    )  # fmt: skip
    phase_epochs: int = knob(
        1, TTT, "passes over each chunk in a pause", unit="pass", example=2,
        example_with=SEVERAL, at_least=1, needs=PHASED, aliases=("global_ttt_epochs",), bare=False,
    )  # fmt: skip
    phase_chunk_tokens: int = knob(
        2048, TTT, "tokens of the scored documents between two learning rates in a pause; the "
        "last chunk is left out", unit="token", example=1024, example_with=SEVERAL, at_least=2,
        needs=PHASED, scale=Scale.TEXT, aliases=("global_ttt_chunk_tokens",), bare=False,
    )  # fmt: skip
    phase_batch_tokens: int = knob(
        2048, TTT, "tokens in one SGD step of a pause, over all devices", unit="token",
        example=256, example_with=SEVERAL, at_least=2, needs=PHASED, scale=Scale.TEXT, bare=False,
        aliases=("global_ttt_batch_tokens",),
        published={"GLOBAL_TTT_BATCH_SEQS": "global_ttt_batch_tokens: 65536"},
    )  # fmt: skip
    phase_grad_clip: float = knob(
        1.0, TTT, "largest global norm of the gradient in a pause (0: unlimited)", off=0.0,
        example=0.1, example_with=SEVERAL, at_least=0.0, needs=PHASED,
        aliases=("global_ttt_grad_clip",), bare=False,
    )  # fmt: skip


class TTTConfig(PhaseKnobs, LoraKnobs, SgdKnobs, MethodKnobs):
    """Test-time training: nothing learns from a token before it is scored."""
