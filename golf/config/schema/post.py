"""Knobs of what follows quantization: evaluation, test-time training, runtime."""

from __future__ import annotations

from dataclasses import dataclass

from golf.config.knob import Scale, Stage, knob

SGD = {"ttt.method": ("sgd",)}


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """How validation text is cut into windows and scored; each geometry is one column."""

    geometries: tuple[str, ...] = knob(
        ("chunked",), Stage.EVALUATE, "ways to score: chunked, or slidingN with a stride of N "
        "tokens; deltas use the first", example=("sliding64",), aliases=("evaluate",),
        shared=True,
    )  # fmt: skip
    max_tokens: int | None = knob(
        None, Stage.EVALUATE, "score only the first so many targets (null: the whole split)",
        unit="token", off=None, example=4096, at_least=1, aliases=("eval_tokens",), shared=True,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class TTTConfig:
    """Test-time training: score a chunk, then learn from it before the next one."""

    method: str = knob(
        "none", Stage.TTT, "how the model adapts while it is scored", off="none",
        choices=("none", "sgd"), example="sgd", bare=False, aliases=("ttt", "ttt_method"),
    )  # fmt: skip
    lr: float = knob(
        0.002, Stage.TTT, "learning rate at the first chunk; it falls as a half cosine",
        example=0.01, at_least=0.0, bare=False, needs=SGD, aliases=("ttt_lr",),
    )  # fmt: skip
    momentum: float = knob(
        0.9, Stage.TTT, "momentum of SGD", example=0.5, at_least=0.0, at_most=0.9999, bare=False,
        needs=SGD, aliases=("ttt_momentum",),
    )  # fmt: skip
    epochs: int = knob(
        1, Stage.TTT, "passes over a chunk once it is scored", unit="pass", example=2, at_least=1,
        bare=False, needs=SGD, aliases=("ttt_epochs",),
    )  # fmt: skip
    chunk_tokens: int = knob(
        32768, Stage.TTT, "targets that are scored before the model learns from them",
        unit="token", example=1024, at_least=2, bare=False, needs=SGD, scale=Scale.SEQUENCE,
        aliases=("ttt_chunk_tokens", "ttt_chunk_size"),
    )  # fmt: skip
    batch_tokens: int = knob(
        2048, Stage.TTT, "tokens in one SGD step", unit="token", example=256, at_least=2,
        bare=False, needs=SGD, scale=Scale.SEQUENCE, aliases=("ttt_batch_tokens",),
    )  # fmt: skip
    update_every: int = knob(
        1, Stage.TTT, "learn from every n-th chunk only; all chunks are scored", unit="chunk",
        example=2, at_least=1, bare=False, needs=SGD, aliases=("ttt_update_every",),
    )  # fmt: skip
    grad_clip: float = knob(
        1.0, Stage.TTT, "largest global norm of the gradient (0: unlimited)", off=0.0,
        example=0.1, at_least=0.0, bare=False, needs=SGD, aliases=("ttt_grad_clip",),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """How work is done; no number may depend on these."""

    log_every: int = knob(
        10, Stage.RUNTIME, "steps between two points of the training curve", unit="step",
        example=1, at_least=1,
    )  # fmt: skip
    checkpoint_seconds: float = knob(
        20.0, Stage.RUNTIME, "least time between two checkpoints for resuming", unit="s",
        example=0.0, at_least=0.0,
    )  # fmt: skip
    prime_steps: int | None = knob(
        None, Stage.RUNTIME, "optimizer steps that are taken and undone before the clock starts "
        "(null: 2 where the model is compiled or on a GPU, else none)", unit="step", example=2,
        at_least=0, aliases=("warmup_steps",),
    )  # fmt: skip
