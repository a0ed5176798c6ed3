"""Train shards as one endless stream, and the ways to read from it.

Shards stay memory-mapped; only what a batch holds is read, and widened to int64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from golf.config.tokens import BOS
from golf.data.shards import open_shard
from golf.data.tokenizer import Tokens

Places = npt.NDArray[np.int64]  # (n, 2): shard, token in the shard
Ids = npt.NDArray[np.int64]

BLOCK = 1 << 16  # tokens looked through at a time for the first BOS


class TokenStream:
    """Shards end to end, in the order given; after the last token comes the first.

    Attributes:
        shards: the tokens of each shard, uint16, memory-mapped.
        first: (shards + 1,) place in the stream of each shard's first token; last, the total.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        # Slices of a plain array cost a tenth of those of a memmap.
        self.shards: list[Tokens] = [np.asarray(open_shard(Path(p))) for p in paths]
        self.first = np.concatenate([[0], np.cumsum([len(s) for s in self.shards])])
        self.total = int(self.first[-1])

    def read(self, start: int, count: int) -> Ids:
        """Return ``count`` tokens from ``start`` on, across shards and past the end."""
        tokens = np.empty(count, np.int64)
        done = 0
        while done < count:
            place = (start + done) % self.total
            shard = int(np.searchsorted(self.first, place, side="right")) - 1
            piece = self.shards[shard][place - self.first[shard] :][: count - done]
            tokens[done : done + len(piece)] = piece
            done += len(piece)
        return tokens

    def windows(self, places: Places, length: int) -> Ids:
        """Return the ``length`` tokens from each place on, (n, length); none leaves its shard."""
        rows = np.empty((len(places), length), np.int64)
        for shard in np.unique(places[:, 0]):
            mine = places[:, 0] == shard
            every = np.lib.stride_tricks.sliding_window_view(self.shards[shard], length)
            rows[mine] = every[places[mine, 1]]
        return rows

    def documents(self) -> Iterator[tuple[int, int]]:
        """Yield (start, tokens) of each document once, in order; a document begins with BOS.

        A document may go on in the next shard. What stands before the first BOS is none.
        """
        begin = None
        for first, shard in zip(self.first[:-1], self.shards, strict=True):
            for bos in (np.flatnonzero(shard == BOS) + first).tolist():
                if begin is not None:
                    yield begin, bos - begin
                begin = bos
        if begin is not None:
            yield begin, self.total - begin


def first_bos(tokens: Tokens) -> int | None:
    """Return where the first document begins; None where none does."""
    for start in range(0, len(tokens), BLOCK):
        found = np.flatnonzero(tokens[start : start + BLOCK] == BOS)
        if len(found):
            return start + int(found[0])
    return None
