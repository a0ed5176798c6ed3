"""The order in which blocks run: once each, or with a stretch of them looped."""

from __future__ import annotations

from dataclasses import dataclass

from golf.config.schema.model import ModelConfig


@dataclass(frozen=True)
class Slot:
    """One execution of one block.

    Attributes:
        index: place in the route.
        layer: the block that runs; -1 for the head.
        passed: how often the block has run before in this forward pass.
        decodes: whether it is in the second half, where skips come back and lanes may part.
        skip: (row of the skip weights, slot whose output comes back), if any.
    """

    index: int
    layer: int
    passed: int = 0
    decodes: bool = False
    skip: tuple[int, int] | None = None


HEAD_SLOT = Slot(-1, -1)


def build_route(config: ModelConfig, loops: int) -> tuple[Slot, ...]:
    """Return the slots with ``loops`` extra passes over the looped blocks.

    The first half (rounded down) are encoders; decoder j takes the output of the encoder that
    is as far from the middle, weighted by row j. Source: parameter-golf PR 1394.
    """
    layers = list(range(config.depth))
    if loops:
        stretch = layers[config.loop_start : config.loop_end + 1]
        layers[config.loop_end + 1 : config.loop_end + 1] = stretch * loops
    encoders = len(layers) // 2
    return tuple(
        Slot(i, layer, layers[:i].count(layer), i >= encoders, _skip(i - encoders, encoders))
        for i, layer in enumerate(layers)
    )


def _skip(decoder: int, encoders: int) -> tuple[int, int] | None:
    return (decoder, encoders - 1 - decoder) if 0 <= decoder < encoders else None
