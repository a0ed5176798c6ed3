"""What is asked of a compressor: how near it comes to the entropy of independent codes."""

from __future__ import annotations

import math
from typing import NamedTuple

from golf.plan.size.kinds import Grid, Spec

STEPS_PER_OCTAVE = 4
MOST_CODES, MOST_SLOW_CODES, SLOW_QUALITY = 1 << 20, 1 << 17, 10
FAST = ("brotli", "zlib")


class Sample(NamedTuple):
    """A question to the workshop: a compressor, and how many normal codes on which grid.

    Attributes:
        compressor: by its name.
        quality: brotli's effort.
        pack: whether only the bits that codes have are stored.
        step: of the grid, in standard deviations.
        most: its largest integer.
        codes: how many.
    """

    compressor: str
    quality: int | None
    pack: bool
    step: float
    most: int
    codes: int


def sample_of(quant: Spec, grid: Grid, entries: int) -> Sample:
    """Return what the workshop has to try: a compressor, a grid and a length, coarsely rounded.

    Fast compressors are tried on long inputs, where brotli at low quality does better by a tenth.
    """
    compressor, quality = quant["quant.compressor"], quant.get("quant.brotli_quality")
    fast = compressor in FAST and (quality is None or quality < SLOW_QUALITY)
    most = MOST_CODES if fast else MOST_SLOW_CODES
    octave = round(STEPS_PER_OCTAVE * math.log2(grid.step))
    return Sample(
        compressor,
        quality,
        bool(quant.get("quant.bit_pack")),
        2 ** (octave / STEPS_PER_OCTAVE),
        grid.most,
        min(most, 2 ** round(math.log2(max(entries, 4096)))),
    )
