"""The challenge's shard format: 256 int32 of header, then the tokens as uint16.

Header: magic 20240520, version 1, number of tokens, zeros. The same layout carries byte
sidecars (bytes per token of the validation split).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from golf.data.tokenizer import Tokens
from golf.errors import fail
from golf.files import renamed_into_place

MAGIC, VERSION, HEADER_BYTES = 20240520, 1, 1024


def write_shard(path: Path, tokens: Tokens) -> None:
    """Write a shard by rename."""
    header = np.zeros(HEADER_BYTES // 4, "<i4")
    header[:3] = MAGIC, VERSION, len(tokens)
    with renamed_into_place(path) as temporary:
        temporary.write_bytes(header.tobytes() + tokens.astype("<u2").tobytes())


def open_shard(path: Path) -> Tokens:
    """Return a shard's tokens, memory-mapped.

    Raises:
        GolfError: not there, or wrong magic, version or size.
    """
    if not path.is_file():
        raise fail("the shard is not there", "prepare the dataset again", str(path))
    size = path.stat().st_size
    header = np.fromfile(path, "<i4", HEADER_BYTES // 4)
    if len(header) < HEADER_BYTES // 4 or header[0] != MAGIC or header[1] != VERSION:
        raise fail("not a token shard (magic 20240520, version 1)", where=str(path))
    tokens = int(header[2])
    if size != HEADER_BYTES + 2 * tokens:
        what = f"{size} bytes do not hold the {tokens} tokens that the header promises"
        raise fail(what, "the file is cut off or was not fully copied", str(path))
    return np.memmap(path, "<u2", "r", HEADER_BYTES, (tokens,))
