"""Knobs of the training: budget, data, schedule and optimizer."""

from __future__ import annotations

from dataclasses import dataclass

from golf.config.knob import Effect, Scale, Stage, knob

TRAIN = Stage.TRAIN


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The corpus and its tokens; these knobs make the recipe of a prepared dataset."""

    dataset: str = knob(
        "sotu", TRAIN, "embedded corpus, or a folder with shards in the challenge's format",
        example="sotu-small",
    )  # fmt: skip
    vocab_size: int = knob(
        1024, TRAIN, "tokens in the SentencePiece vocabulary", unit="token", example=512,
        at_least=336, at_most=65536, effect=Effect.LOGITS,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Budget, batches and schedule. Exactly one of steps, tokens and seconds is the budget."""

    seed: int = knob(
        1337, TRAIN, "seed of the initial weights", example=42, at_least=0,
    )  # fmt: skip
    data_seed: int | None = knob(
        None, TRAIN, "seed of the order of the training data (null: the seed)", example=7,
        at_least=0, needs={"train.loader": ("shuffled",)},
    )  # fmt: skip
    steps: int | None = knob(
        200, TRAIN, "budget in optimizer steps", unit="step", example=100, at_least=1,
        scale=Scale.STEPS, exclusive="budget", aliases=("iterations", "num_steps", "max_steps"),
    )  # fmt: skip
    tokens: int | None = knob(
        None, TRAIN, "budget in training tokens", unit="token", example=65536, at_least=1, off=None,
        scale=Scale.STEPS, exclusive="budget", aliases=("train_tokens",),
    )  # fmt: skip
    seconds: float | None = knob(
        None, TRAIN, "budget in seconds of training, compilation and evaluation excluded",
        unit="s", example=0.5, at_least=0.01, off=None, scale=Scale.SECONDS, exclusive="budget",
        aliases=("max_wallclock_seconds", "time_budget"),
    )  # fmt: skip
    seq_len: int = knob(
        256, TRAIN, "length of a training sequence and of an evaluation window", unit="token",
        example=64, at_least=2, scale=Scale.SEQUENCE, multiple_of=8,
        aliases=("train_seq_len", "sequence_len", "max_seq_len"),
    )  # fmt: skip
    batch_tokens: int = knob(
        2048, TRAIN, "tokens in one optimizer step, over all devices", unit="token",
        example=1024, at_least=2, scale=Scale.BATCH, multiple_of=8,
        aliases=("total_batch_size", "train_batch_tokens"),
    )  # fmt: skip
    micro_tokens: int | None = knob(
        None, TRAIN, "tokens in one forward and backward pass of one device (null: the largest "
        "share of a step that suits the device)", unit="token", example=128, at_least=2,
        scale=Scale.BATCH, multiple_of=8,
    )  # fmt: skip
    loader: str = knob(
        "shuffled", TRAIN, "order of the training windows: a seeded permutation, or shard order",
        choices=("shuffled", "sequential"), example="sequential",
    )  # fmt: skip
    warmup_frac: float = knob(
        0.0, TRAIN, "share of the budget over which the learning rate rises from 0", off=0.0,
        unit="x budget", example=0.2, at_least=0.0, at_most=1.0,
    )  # fmt: skip
    warmdown_frac: float = knob(
        0.5, TRAIN, "share of the budget, at its end, over which the learning rate falls",
        unit="x budget", off=0.0, example=0.8, at_least=0.0, at_most=1.0, aliases=("warmdown",),
    )  # fmt: skip
    min_lr: float = knob(
        0.0, TRAIN, "floor under the learning rate during warmdown", unit="x lr", off=0.0,
        example=0.1, at_least=0.0, at_most=1.0,
    )  # fmt: skip
    ema_decay: float = knob(
        0.0, TRAIN, "decay of the debiased average of the weights that is exported (0: the last "
        "weights)", off=0.0, example=0.9, at_least=0.0, at_most=0.999999,
    )  # fmt: skip
    grad_clip: float = knob(
        0.0, TRAIN, "largest global norm of the gradient (0: unlimited)", off=0.0,
        example=0.1, at_least=0.0, aliases=("grad_clip_norm",),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Muon for the matrices of the blocks, AdamW for the rest."""

    matrix_lr: float = knob(
        0.04, TRAIN, "learning rate of Muon (block matrices)", example=0.02, at_least=0.0,
    )  # fmt: skip
    embed_lr: float = knob(
        0.05, TRAIN, "learning rate of AdamW on embeddings", example=0.02, at_least=0.0,
        aliases=("tied_embed_lr",),
    )  # fmt: skip
    head_lr: float = knob(
        0.008, TRAIN, "learning rate of AdamW on an output head of its own", example=0.02,
        at_least=0.0, needs={"model.tied": (False,)}, aliases=("unembedding_lr",),
    )  # fmt: skip
    scalar_lr: float = knob(
        0.04, TRAIN, "learning rate of AdamW on gains, gates and other small parameters",
        example=0.02, at_least=0.0,
    )  # fmt: skip
    muon_momentum: float = knob(
        0.95, TRAIN, "momentum of Muon after its warm-up", example=0.9, at_least=0.0,
        at_most=0.9999,
    )  # fmt: skip
    muon_momentum_start: float = knob(
        0.85, TRAIN, "momentum of Muon at the first step of its warm-up", example=0.5,
        at_least=0.0, at_most=0.9999, aliases=("muon_momentum_warmup_start",),
    )  # fmt: skip
    muon_momentum_steps: int = knob(
        100, TRAIN, "steps over which Muon's momentum rises (0: none)", unit="step", off=0,
        example=2, at_least=0, scale=Scale.STEPS, aliases=("muon_momentum_warmup_steps",),
    )  # fmt: skip
    muon_ns_steps: int = knob(
        5, TRAIN, "Newton-Schulz iterations of Muon", unit="iteration", example=3, at_least=1,
        at_most=20, aliases=("muon_backend_steps",),
    )  # fmt: skip
    muon_wd: float = knob(
        0.0, TRAIN, "decoupled weight decay of Muon", off=0.0, example=0.1, at_least=0.0,
        aliases=("muon_weight_decay",),
    )  # fmt: skip
    adam_beta1: float = knob(
        0.9, TRAIN, "AdamW's decay of the gradient average", example=0.8, at_least=0.0,
        at_most=0.9999, aliases=("beta1",),
    )  # fmt: skip
    adam_beta2: float = knob(
        0.95, TRAIN, "AdamW's decay of the squared gradient average", example=0.99, at_least=0.0,
        at_most=0.99999, aliases=("beta2",),
    )  # fmt: skip
    adam_eps: float = knob(
        1e-8, TRAIN, "AdamW's guard against division by zero", example=1e-3, at_least=0.0,
    )  # fmt: skip
    adam_wd: float = knob(
        0.0, TRAIN, "decoupled weight decay of AdamW on embeddings", off=0.0, example=0.1,
        at_least=0.0, aliases=("embed_wd",),
    )  # fmt: skip
