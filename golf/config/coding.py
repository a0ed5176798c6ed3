"""What the quantizer does and planning foretells: grids of integers, lanes of the entropy coder."""

from __future__ import annotations

SEARCHED_QUANTILES = (0.999, 0.9995, 0.9999, 0.99999, 1.0)
LANE_CODES, MOST_LANES = 4096, 1024
LANE_BYTES = 4  # the state of a lane


def levels(bits: int) -> int:
    """Return the largest integer of the symmetric range (127 for 8 bits, 1 for 2)."""
    return int(2 ** (bits - 1)) - 1


def lanes_for(codes: int) -> int:
    """Return how many states of the coder there are: few enough that their bytes do not count."""
    return min(MOST_LANES, 1 + codes // LANE_CODES)
