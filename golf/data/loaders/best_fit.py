"""Rows filled with whole documents, the longest that fits first.

Source: karpathy/autoresearch and nanochat. Every row begins with BOS and is full; the price is
what is cropped off a document that fills up a row. Attention may look at the whole row. One
packer fills the rows of all processes.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from itertools import chain, count, islice, repeat

import numpy as np

from golf.data.loaders.batch import Batch, Share, batch_of_rows, too_short
from golf.data.loaders.replay import Replay
from golf.data.stream import TokenStream

BUFFER_DOCUMENTS = 1000  # documents to choose from, at least
REFILL_DOCUMENTS = 128  # documents that join the buffer at a time

Pieces = list[tuple[int, int]]  # (start in the stream, tokens) of the documents of one row


class BestFit:
    """Rows of T + 1 tokens, filled greedily from a buffer of documents in stream order.

    The longest document that fits into the rest of the row is taken whole; when none fits, the
    shortest is cropped to the rest. Of two of one length the one that came first is taken.
    Documents longer than a row wait until they are the shortest.

    Raises:
        GolfError: no document begins in the shards.
    """

    def __init__(self, stream: TokenStream, share: Share) -> None:
        self.stream, self.share = stream, share
        if next(stream.documents(), None) is None:
            raise too_short("document, which would begin with BOS")
        self._steps = Replay(self._walk)

    def micro_batches(self, step: int) -> Iterator[Batch]:
        """Yield this process's run of the step's rows."""
        rows = self._steps.at(step)[self.share.own_slice]
        for first in range(0, len(rows), self.share.micro_rows):
            pieces = chain.from_iterable(rows[first : first + self.share.micro_rows])
            tokens = np.concatenate([self.stream.read(*piece) for piece in pieces])
            yield batch_of_rows(tokens.reshape(-1, self.share.seq_len + 1))

    def _walk(self) -> Iterator[list[Pieces]]:
        endless = chain.from_iterable(self.stream.documents() for _ in repeat(None))
        rows = packed_rows(endless, self.share.seq_len + 1)
        while True:
            yield list(islice(rows, self.share.rows))


def packed_rows(documents: Iterator[tuple[int, int]], capacity: int) -> Iterator[Pieces]:
    """Yield rows of ``capacity`` tokens from endless (start, tokens) of documents."""
    ages = count(0, -1)
    buffer: list[tuple[int, int, int]] = []  # (tokens, -age, start), ascending
    while True:
        row, room = [], capacity
        while room:
            _refill(buffer, documents, ages)
            fits = _last_of_length(buffer, room)
            chosen = fits if fits >= 0 else _last_of_length(buffer, buffer[0][0])
            tokens, _, start = buffer.pop(chosen)
            row.append((start, min(tokens, room)))
            room -= row[-1][1]
        yield row


def _refill(
    buffer: list[tuple[int, int, int]], documents: Iterator[tuple[int, int]], ages: Iterator[int]
) -> None:
    while len(buffer) < BUFFER_DOCUMENTS:
        for start, tokens in islice(documents, REFILL_DOCUMENTS):
            insort(buffer, (tokens, next(ages), start))


def _last_of_length(buffer: list[tuple[int, int, int]], tokens: int) -> int:
    """Return the index of the first-come among the longest of at most ``tokens``; -1 for none."""
    return bisect_right(buffer, (tokens, 1, 0)) - 1
