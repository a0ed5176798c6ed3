"""The code's share of the artifact, until a single-file program is built: provisional.

Counted as one brotli stream of the sources that turn an artifact back into a score.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import brotli

import golf

NEEDED = (
    "config/knob.py", "config/schema/*.py", "config/rules.py", "data/shards.py",
    "data/validation.py", "model/*.py", "quant/grid.py", "quant/artifact.py",
    "stages/evaluate.py", "stages/scoring.py", "stages/weights.py", "stages/ttt.py",
)  # fmt: skip


@cache
def code_bytes() -> int:
    """Return the compressed size of the sources that decoding and scoring take."""
    package = Path(golf.__file__).parent
    files = sorted({path for pattern in NEEDED for path in package.glob(pattern)})
    return len(brotli.compress(b"".join(f.read_bytes() for f in files), quality=11))
