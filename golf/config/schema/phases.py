"""Knobs of phases: what changes at a point in the training."""

from __future__ import annotations

from golf.config.knob import ON, Stage, knob
from golf.frozen import Frozen

TRAIN = Stage.TRAIN
GROWS = {"train.grow_from": ON}
FAKED = {"train.qat_bits": ON}


class PhaseKnobs(Frozen):
    """Points are shares of the budget, in steps or in seconds as the budget is."""

    loop_at: float = knob(
        0.0, TRAIN, "share of the budget after which blocks are looped (0: from the start)",
        unit="x budget", off=0.0, example=0.5, at_least=0.0, at_most=0.999,
        needs={"model.loop_count": ON}, aliases=("enable_looping_at",),
        source="PR 1394",
    )  # fmt: skip
    grow_from: int | None = knob(
        None, TRAIN, "blocks that the model trains with until it grows to its depth (null: it "
        "has all from the start)", unit="layer", off=None, example=1, at_least=1,
        source="PR 1125",
    )  # fmt: skip
    grow_at: float = knob(
        0.5, TRAIN, "share of the budget after which the model grows", unit="x budget",
        example=0.25, at_least=0.001, at_most=0.999, needs=GROWS,
    )  # fmt: skip
    grow_map: str = knob(
        "interleave", TRAIN, "block that block j of the grown model copies: j * from // depth, or "
        "j modulo from", choices=("interleave", "stack"), example="stack",
        example_with={"model.depth": 4, "train.grow_from": 2}, needs=GROWS,
    )  # fmt: skip
    grow_state: str = knob(
        "copy", TRAIN, "optimizer state of the grown model: copied with its weights, or reset",
        choices=("copy", "reset"), example="reset", needs=GROWS,
    )  # fmt: skip
    grow_zero: bool = knob(
        False, TRAIN, "start what repeated blocks add to the stream at zero", off=False,
        example=True, needs=GROWS,
    )  # fmt: skip
    qat_bits: int | None = knob(
        None, TRAIN, "bits of the grid that block matrices are rounded to in late training, with "
        "straight-through gradients (null: none)", unit="bit", off=None, example=4, at_least=2,
        at_most=8, published={"QAT_ENABLED": "qat_bits: 6"},
        source="arXiv 1308.3432",
    )  # fmt: skip
    qat_at: float = knob(
        0.85, TRAIN, "share of the budget after which weights are rounded", unit="x budget",
        example=0.5, at_least=0.0, at_most=0.999, needs=FAKED,
    )  # fmt: skip
    qat_clip_sigmas: float | None = knob(
        None, TRAIN, "standard deviations at which that grid clips a row (null: as the export "
        "does at these bits, else by bit width)",
        unit="sigma", example=2.0, at_least=0.1, needs=FAKED,
    )  # fmt: skip
