"""Knobs of the training: budget, data, schedule and optimizer."""

from __future__ import annotations

from golf.config.knob import LONGEST, ON, Effect, Scale, Stage, knob
from golf.config.schema.phases import PhaseKnobs
from golf.frozen import Frozen

TRAIN = Stage.TRAIN
WITH_EMA = {"train.ema_decay": ON}
WITH_DECAY = {"optim.muon_wd": ON}
SCALAR_MIX = {"model.x0_mix": ("scalar",)}
MUON = {"optim.matrix_optimizer": ("muon",)}


class DataConfig(Frozen):
    """The corpus and its tokens; these knobs make the recipe of a prepared dataset."""

    dataset: str = knob(
        "sotu", TRAIN, "embedded corpus, or a folder with shards in the challenge's format",
        example="sotu-small",
        published=dict.fromkeys(
            ("DATA_DIR", "DATA_PATH", "DATASETS_DIR", "TRAIN_FILES", "VAL_FILES", "TOKENIZER_PATH"),
            "dataset: data/datasets/fineweb10B_sp1024",
        ),
    )  # fmt: skip
    vocab_size: int = knob(
        1024, TRAIN, "tokens in the SentencePiece vocabulary", unit="token", example=512,
        at_least=336, at_most=65536, effect=Effect.LOGITS, scale=Scale.VOCABULARY,
    )  # fmt: skip
    caseops: bool = knob(
        False, TRAIN, "write capital letters as operators before lower-case words, so that a word "
        "has the same tokens however it is written", off=False, example=True,
        aliases=("caseops_enabled",),
        source="PR 1729",
    )  # fmt: skip


class TrainConfig(PhaseKnobs):
    """Budget, batches, schedule, phases; one of steps, tokens, seconds is the budget."""

    seed: int = knob(
        1337, TRAIN, "seed of the initial weights", example=42, at_least=0,
    )  # fmt: skip
    data_seed: int | None = knob(
        None, TRAIN, "seed of the order of the training data (null: the seed)", example=7,
        at_least=0, needs={"train.loader": ("shuffled", "shuffled_sequence", "coprime")},
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
        example=64, at_least=2, at_most=LONGEST, scale=Scale.SEQUENCE, multiple_of=8,
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
        published=dict.fromkeys(("DEVICE_BATCH_SIZE", "GRAD_ACCUM_STEPS"), "micro_tokens: 65536"),
    )  # fmt: skip
    loader: str = knob(
        "shuffled", TRAIN, "how training sequences are cut from the shards, and in which order",
        choices=(
            "shuffled", "sequential", "shuffled_sequence", "coprime", "packed", "best_fit",
        ),
        example="sequential",
        source="PR 1394 (shuffled_sequence), PR 726 and 1060 (coprime), PR 1530 (packed), "
        "karpathy/autoresearch (best_fit)",
    )  # fmt: skip
    uncounted_steps: int = knob(
        0, TRAIN, "steps at the start during which the clock and the share of the budget that is "
        "used stand still", unit="step", off=0, example=2, at_least=0, scale=Scale.STEPS,
        source="karpathy/autoresearch",
    )  # fmt: skip
    warmup_frac: float = knob(
        0.0, TRAIN, "share of the budget over which the learning rate rises from 0", off=0.0,
        unit="x budget", example=0.2, at_least=0.0, at_most=1.0, aliases=("warmup_ratio",),
    )  # fmt: skip
    warmdown_frac: float = knob(
        0.5, TRAIN, "share of the budget, at its end, over which the learning rate falls",
        unit="x budget", off=0.0, example=0.8, at_least=0.0, at_most=1.0, exclusive="warmdown",
        aliases=("warmdown", "warmdown_ratio"),
    )  # fmt: skip
    warmdown_steps: int | None = knob(
        None, TRAIN, "steps at the end over which the learning rate falls (null: a share); with a "
        "budget in seconds, so many mean steps by the clock", unit="step", off=None, example=6,
        at_least=1, scale=Scale.STEPS, exclusive="warmdown", aliases=("warmdown_iters",),
    )  # fmt: skip
    warmdown_shape: str = knob(
        "linear", TRAIN, "course of the learning rate during warmdown", off="linear",
        choices=("linear", "cosine"), example="cosine",
        source="PR 1125 (cosine)",
    )  # fmt: skip
    min_lr: float = knob(
        0.0, TRAIN, "least factor on the learning rate during warmdown", unit="x lr", off=0.0,
        example=0.1, at_least=0.0, at_most=1.0, aliases=("final_lr_frac",),
    )  # fmt: skip
    min_lr_mode: str = knob(
        "floor", TRAIN, "min_lr is a floor that cuts the fall off, or the value that the fall is "
        "stretched to end at", off="floor", choices=("floor", "interpolate"),
        example="interpolate", needs={"train.min_lr": ON},
    )  # fmt: skip
    ema_decay: float = knob(
        0.0, TRAIN, "decay of the exponential average of the weights that is exported (0: the "
        "last weights)", off=0.0, example=0.9, at_least=0.0, at_most=0.999999, scale=Scale.DECAY,
    )  # fmt: skip
    ema_debias: bool = knob(
        True, TRAIN, "start the average from zero and divide its weights by their sum (false: "
        "start from the initial weights, as published)", off=True, example=False, needs=WITH_EMA,
        source="arXiv 1412.6980",
    )  # fmt: skip
    ema_start: float = knob(
        0.0, TRAIN, "share of the budget after which the average begins", unit="x budget",
        off=0.0, example=0.5, at_least=0.0, at_most=0.999, needs=WITH_EMA,
        aliases=("ema_start_frac",),
    )  # fmt: skip
    swa_start: float | None = knob(
        None, TRAIN, "export the mean of weights collected once the factor on the learning rate "
        "is below this (null: the last weights)", unit="x lr", off=None, example=0.5,
        at_least=0.0, at_most=1.0,
        source="arXiv 1803.05407",
    )  # fmt: skip
    swa_every: int = knob(
        5, TRAIN, "steps between two collected weights", unit="step", example=2, at_least=1,
        scale=Scale.STEPS, needs={"train.swa_start": ON},
    )  # fmt: skip
    grad_clip: float = knob(
        0.0, TRAIN, "largest global norm of the gradient (0: unlimited)", off=0.0,
        example=0.1, at_least=0.0, aliases=("grad_clip_norm",),
    )  # fmt: skip


class OptimConfig(Frozen):
    """Muon or MUD for the matrices of the blocks, Adam for the rest."""

    matrix_optimizer: str = knob(
        "muon", TRAIN, "what turns the momentum of a block matrix into a step: Newton-Schulz, or "
        "triangular solves", off="muon", choices=("muon", "mud"), example="mud",
        source="arXiv 2603.17970, PR 510 (mud)",
    )  # fmt: skip
    mud_passes: int = knob(
        2, TRAIN, "decorrelation passes of MUD", unit="pass", example=1, at_least=1, at_most=10,
        needs={"optim.matrix_optimizer": ("mud",)},
    )  # fmt: skip
    matrix_lr: float = knob(
        0.04, TRAIN, "learning rate of Muon (block matrices)", example=0.02, at_least=0.0,
    )  # fmt: skip
    embed_lr: float = knob(
        0.05, TRAIN, "learning rate of Adam on embeddings", example=0.02, at_least=0.0,
        aliases=("tied_embed_lr", "embedding_lr"),
    )  # fmt: skip
    head_lr: float = knob(
        0.008, TRAIN, "learning rate of Adam on an output head of its own", example=0.02,
        at_least=0.0, needs={"model.tied": (False,)}, aliases=("unembedding_lr",),
    )  # fmt: skip
    scalar_lr: float = knob(
        0.04, TRAIN, "learning rate of Adam on gains, gates and other small parameters",
        example=0.02, at_least=0.0,
    )  # fmt: skip
    resid_lr: float | None = knob(
        None, TRAIN, "learning rate of the factors on the stream in a scalar x0_mix (null: "
        "scalar_lr)", example=0.005, at_least=0.0, needs=SCALAR_MIX, aliases=("resid_lambda_lr",),
        source="karpathy/autoresearch",
    )  # fmt: skip
    x0_beta1: float | None = knob(
        None, TRAIN, "Adam's decay of the gradient average for the factors on the embedding in a "
        "scalar x0_mix (null: adam_beta1)", example=0.5, at_least=0.0, at_most=0.9999,
        needs=SCALAR_MIX,
        source="karpathy/autoresearch",
    )  # fmt: skip
    adapter_lr: float = knob(
        0.01, TRAIN, "learning rate of Adam on loop adapters", example=0.05, at_least=0.0,
        needs={"model.loop_count": ON, "model.loop_lora_rank": ON},
        aliases=("loop_lora_lr",),
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
    muon_momentum_form: str = knob(
        "sum", TRAIN, "momentum is m * buffer + gradient, or the average m * buffer + (1 - m) * "
        "gradient: the same direction while m stays, with other rounding", off="sum",
        choices=("sum", "average"), example="average",
        source="karpathy/autoresearch (average)",
    )  # fmt: skip
    muon_ns: str = knob(
        "classic", TRAIN, "Newton-Schulz polynomial: one quintic for all steps, Polar Express, or "
        "Polar Express on norms enlarged by 2 %", off="classic",
        choices=("classic", "polar", "polar_safe"), example="polar", needs=MUON,
        published={"USE_POLAR_EXPRESS": "muon_ns: polar"},
        source="arXiv 2505.16932 (polar)",
    )  # fmt: skip
    muon_ns_steps: int = knob(
        5, TRAIN, "Newton-Schulz iterations of Muon", unit="iteration", example=3, at_least=1,
        at_most=20, needs=MUON, aliases=("muon_backend_steps",),
    )  # fmt: skip
    muon_ns_dtype: str = knob(
        "auto", TRAIN, "precision of Newton-Schulz (auto: that of the activations)", off="auto",
        choices=("auto", "bfloat16", "float32"), example="bfloat16", needs=MUON,
    )  # fmt: skip
    muon_row_norm: bool = knob(
        False, TRAIN, "bring the rows of the momentum to length 1 before Newton-Schulz (MuonEq-R)",
        off=False, example=True, needs=MUON, aliases=("muon_row_normalize",),
        source="MuonEq-R, PR 1217",
    )  # fmt: skip
    muon_beta2: float | None = knob(
        None, TRAIN, "decay of NorMuon's mean squares per neuron (null: no NorMuon)", off=None,
        example=0.95, at_least=0.0, at_most=0.99999, needs=MUON, aliases=("normuon_beta2",),
        source="NorMuon, arXiv 2510.05491",
    )  # fmt: skip
    muon_wd: float = knob(
        0.0, TRAIN, "weight decay of the block matrices", off=0.0, example=0.1, at_least=0.0,
        aliases=("muon_weight_decay",), published={"WEIGHT_DECAY": "muon_wd: 0.2"},
    )  # fmt: skip
    muon_wd_mode: str = knob(
        "decoupled", TRAIN, "decay all weights by lr * muon_wd, or only those that the step "
        "shrinks, and times the size factor of the step", off="decoupled",
        choices=("decoupled", "cautious"), example="cautious", needs=WITH_DECAY,
        published={"CAUTIOUS_WD": "muon_wd_mode: cautious"},
        source="arXiv 2510.12402 (cautious)",
    )  # fmt: skip
    muon_wd_taper_start: float | None = knob(
        None, TRAIN, "share of the budget after which muon_wd changes in a straight line (null: "
        "never)", unit="x budget", off=None, example=0.5, at_least=0.0, at_most=0.999,
        needs=WITH_DECAY, aliases=("wd_taper_start_frac",),
        source="PR 1729",
    )  # fmt: skip
    muon_wd_taper_end: float = knob(
        0.0, TRAIN, "factor on muon_wd at the end of its taper", example=0.5, at_least=0.0,
        needs={**WITH_DECAY, "optim.muon_wd_taper_start": ON}, aliases=("wd_taper_final_mult",),
    )  # fmt: skip
    adam_beta1: float = knob(
        0.9, TRAIN, "Adam's decay of the gradient average", example=0.8, at_least=0.0,
        at_most=0.9999, aliases=("beta1",), published={"ADAM_BETAS": "adam_beta1: 0.8"},
    )  # fmt: skip
    adam_beta2: float = knob(
        0.95, TRAIN, "Adam's decay of the squared gradient average", example=0.99, at_least=0.0,
        at_most=0.99999, aliases=("beta2",),
    )  # fmt: skip
    adam_eps: float = knob(
        1e-8, TRAIN, "Adam's guard against division by zero", example=1e-3, at_least=0.0,
    )  # fmt: skip
    embed_wd: float = knob(  # scripts mean this or scalar_wd by ADAM_WD: golf asks which
        0.0, TRAIN, "weight decay of Adam on embeddings", off=0.0, example=0.1,
        at_least=0.0, aliases=("adam_wd",),
    )  # fmt: skip
    embed_wd_mode: str = knob(
        "decoupled", TRAIN, "embed_wd shrinks the weights themselves (AdamW), or is added to the "
        "gradient (L2)", off="decoupled", choices=("decoupled", "coupled"), example="coupled",
        needs={"optim.embed_wd": ON},
        source="arXiv 1711.05101 (decoupled)",
    )  # fmt: skip
    scalar_wd: float = knob(
        0.0, TRAIN, "decoupled weight decay of Adam on gains, gates and other small parameters",
        off=0.0, example=0.1, at_least=0.0, aliases=("adam_wd",),
    )  # fmt: skip
    lr_reference_width: int | None = knob(
        None, TRAIN, "model_dim at which embed_lr and head_lr hold; at others they are multiplied "
        "by (model_dim / this)^-0.5 (null: they hold at every width)", unit="channel", off=None,
        example=768, at_least=1, scale=Scale.WIDTH,
        source="karpathy/autoresearch",
    )  # fmt: skip
