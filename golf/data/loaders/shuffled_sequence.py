"""Sequences in random order from shards that each process has for itself.

Source: parameter-golf PR 1394 and PR 1493. They seed the draws by rank alone; here by (rank,
data_seed), and data_seed 0 gives exactly the published order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from golf.data.loaders.batch import Batch, Share, too_short, window_batches
from golf.data.loaders.replay import Replay
from golf.data.stream import Ids, Places, TokenStream


class Span(NamedTuple):
    """A run of tokens of one shard."""

    shard: int
    first: int
    tokens: int


class ShuffledSequence:
    """Each row draws a shard in proportion to the blocks that remain, then a block of it.

    A shard's blocks of T start at a random phase and come in the order of a permutation; when
    all blocks of all shards are used, phases and permutations are drawn again. Other numbers of
    processes read in another order.

    Raises:
        GolfError: a process has no shard that holds a window.
    """

    def __init__(self, stream: TokenStream, share: Share, data_seed: int) -> None:
        self.stream, self.share, self.data_seed = stream, share, data_seed
        lengths = [len(s) for s in stream.shards]
        self.spans = own_spans(lengths, share.rank, share.world_size)
        if all(span.tokens <= share.seq_len for span in self.spans):
            raise too_short(f"window of {share.seq_len} tokens for process {share.rank}")
        self._steps = Replay(self._walk)

    def micro_batches(self, step: int) -> Iterator[Batch]:
        """Yield the step's sequences from this process's own shards."""
        return window_batches(self.stream, self._steps.at(step), self.share)

    def _walk(self) -> Iterator[Places]:
        """Yield the places of each step's sequences."""
        draw = np.random.Generator(np.random.PCG64([self.share.rank, self.data_seed]))
        endless = self._places(draw)
        while True:
            yield np.array([next(endless) for _ in range(self.share.own_rows)], np.int64)

    def _places(self, draw: np.random.Generator) -> Iterator[tuple[int, int]]:
        """Yield (shard, token) of each sequence."""
        while True:
            blocks = [self._shuffled_blocks(span, draw) for span in self.spans]
            remaining = np.array([len(b) for b in blocks], np.float64)
            for total in range(int(remaining.sum()), 0, -1):
                # The arithmetic of draw.choice(p=...), at a fraction of its time.
                upto = (remaining / total).cumsum()
                chosen = int((upto / upto[-1]).searchsorted(draw.random(), side="right"))
                remaining[chosen] -= 1
                yield self.spans[chosen].shard, int(blocks[chosen][int(remaining[chosen])])

    def _shuffled_blocks(self, span: Span, draw: np.random.Generator) -> Ids:
        """Return the first tokens of a span's blocks, the last to be read first."""
        seq_len = self.share.seq_len
        phases = min(seq_len, span.tokens - seq_len)
        phase = int(draw.integers(phases)) if phases > 1 else 0
        blocks = max(0, (span.tokens - 1 - phase) // seq_len)
        return span.first + phase + draw.permutation(blocks) * seq_len


def own_spans(lengths: list[int], rank: int, world_size: int) -> list[Span]:
    """Return what a process reads: shards rank, rank + world_size, ...

    With fewer shards than processes each shard is cut into ``world_size`` equal spans, and
    process r has the r-th of each: no token belongs to two of them.
    """
    if len(lengths) >= world_size:
        return [Span(i, 0, lengths[i]) for i in range(rank, len(lengths), world_size)]
    cuts = [(n * rank // world_size, n * (rank + 1) // world_size) for n in lengths]
    return [Span(i, low, high - low) for i, (low, high) in enumerate(cuts)]
