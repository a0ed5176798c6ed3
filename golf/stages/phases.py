"""What a training looks like at each point: how deep, how looped, on which grid."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from golf.config.schema.model import ModelConfig
from golf.config.schema.train import TrainConfig
from golf.model.gpt import GPT
from golf.model.linear import Linear
from golf.model.route import build_route
from golf.quant.fake import FakeRows


@dataclass(frozen=True)
class Phase:
    """A view of the model that holds from a share of the budget on.

    Attributes:
        start: share of the budget.
        depth: blocks of the model.
        loops: extra passes over the looped blocks.
        fake_bits: bits of the grid that matrices are rounded to, or None.
    """

    start: float
    depth: int
    loops: int
    fake_bits: int | None = None

    def __str__(self) -> str:
        rounded = f", {self.fake_bits} bits" if self.fake_bits else ""
        return f"{self.depth} blocks, {self.loops} extra passes{rounded}"


def build_phases(model: ModelConfig, train: TrainConfig) -> list[Phase]:
    """Return the phases in order; the first one starts at 0."""
    grows, loops, fakes = train.grow_from is not None, train.loop_at, train.qat_bits is not None
    points = {0.0, loops} | ({train.grow_at} if grows else set())
    points |= {train.qat_at} if fakes else set()
    return [
        Phase(
            at,
            train.grow_from if train.grow_from is not None and at < train.grow_at else model.depth,
            model.loop_count if at >= loops else 0,
            train.qat_bits if fakes and at >= train.qat_at else None,
        )
        for at in sorted(points)
    ]


def show(model: GPT, phase: Phase, train: TrainConfig) -> None:
    """Make ``model`` run as in ``phase``; compiled graphs notice and are compiled anew."""
    model.route = build_route(model.config, phase.loops)
    clip = train.qat_clip_sigmas
    for part in model.blocks.modules():
        if isinstance(part, Linear) and part.roles["master"].group == "matrix":
            assert phase.fake_bits is None or clip is not None, "planning fills in the clip"
            part.fake = FakeRows(phase.fake_bits, clip) if phase.fake_bits and clip else PLAIN


PLAIN = nn.Identity()
