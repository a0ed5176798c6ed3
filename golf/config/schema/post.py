"""Knobs of the runtime."""

from __future__ import annotations

from golf.config.knob import Stage, knob
from golf.frozen import Frozen


class RuntimeConfig(Frozen):
    """How work is done; no number may depend on these."""

    log_every: int = knob(
        10, Stage.RUNTIME, "steps between two points of the training curve", unit="step",
        example=1, at_least=1, aliases=("train_log_every",),
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
    eval_limit_s: float | None = knob(
        None, Stage.RUNTIME, "cap on the seconds of one evaluation; the table marks rows above it",
        unit="s", off=None, example=600.0, at_least=0.0, aliases=("eval_limit",),
    )  # fmt: skip
    ttt_limit_s: float | None = knob(
        None, Stage.RUNTIME, "cap on the seconds of test-time training with its scoring; the "
        "table marks rows above it", unit="s", off=None, example=600.0, at_least=0.0,
        aliases=("ttt_limit",),
    )  # fmt: skip
