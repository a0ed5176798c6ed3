"""Windows from a changing mix of shards, each shard walked in strides coprime to its blocks.

Source: parameter-golf PR 726 and PR 1060. They seed the draws by the path of the shards, so that
moving the data changes its order; here ``data_seed`` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count

import numpy as np

from golf.data.loaders.batch import Batch, Share, too_short, window_batches
from golf.data.loaders.replay import Replay
from golf.data.stream import Ids, Places, TokenStream

RAMP_STEPS = 1800  # steps over which mix and exponent move from the first value to the second
SHARDS_MIXED = (8, 1), (32, 8)  # at least so many, and so many for each process
EXPONENT = 0.9, 0.5  # of a shard's remaining blocks, for its probability to be drawn from


class Walk:
    """Visits every block of a shard once, then starts over with another phase and stride.

    Block k is ``(first + k * stride) mod blocks`` with gcd(stride, blocks) = 1.

    Args:
        tokens: length of the shard, more than ``seq_len``.
        draw: gives phase, first block and stride.
    """

    def __init__(self, tokens: int, seq_len: int, draw: np.random.Generator) -> None:
        self.tokens, self.seq_len, self.draw = tokens, seq_len, draw
        self._start_over()

    @property
    def remaining(self) -> int:
        """Blocks that this round has not visited."""
        return self.blocks - self.visited

    def take(self, count: int) -> Ids:
        """Return the first tokens of the next ``count`` blocks."""
        taken = []
        while count:
            if not self.remaining:
                self._start_over()
            visits = self.visited + np.arange(min(count, self.remaining))
            blocks = (self.first + visits * self.stride) % self.blocks
            taken.append(self.phase + blocks * self.seq_len)
            self.visited += len(visits)
            count -= len(visits)
        return np.concatenate(taken)

    def _start_over(self) -> None:
        self.phase = int(self.draw.integers(min(self.seq_len, self.tokens - self.seq_len)))
        self.blocks = (self.tokens - 1 - self.phase) // self.seq_len
        self.first = int(self.draw.integers(self.blocks))
        self.stride = _coprime(self.blocks, self.draw)
        self.visited = 0


def _coprime(blocks: int, draw: np.random.Generator) -> int:
    """Return a number below ``blocks`` (1 for a single block) without a common factor."""
    while True:
        stride = int(draw.integers(1, max(blocks, 2)))
        if math.gcd(stride, blocks) == 1:
            return stride


class Coprime:
    """Each step draws a mix of shards, windows from each of them, and interleaves the windows.

    The processes of a step read together what one process reads; only the number of shards in
    the mix (8 rising to 32) grows on more than four processes, to 8 each, as published.

    Raises:
        GolfError: no shard holds a window.
    """

    def __init__(self, stream: TokenStream, share: Share, data_seed: int) -> None:
        self.stream, self.share, self.data_seed = stream, share, data_seed
        lengths = np.array([len(s) for s in stream.shards])
        self.shards = np.flatnonzero(lengths > share.seq_len)
        if not len(self.shards):
            raise too_short(f"window of {share.seq_len} tokens")
        self._steps = Replay(self._walk)

    def micro_batches(self, step: int) -> Iterator[Batch]:
        """Yield every world-th of the step's windows, beginning with that of the rank."""
        places = self._steps.at(step)[self.share.rank :: self.share.world_size]
        return window_batches(self.stream, places, self.share)

    def _walk(self) -> Iterator[Places]:
        """Yield the windows of each step, over all processes."""
        draw = np.random.Generator(np.random.PCG64(self.data_seed))
        lengths = [len(self.stream.shards[shard]) for shard in self.shards]
        walks = [Walk(length, self.share.seq_len, draw) for length in lengths]
        for step in count():
            progress = min(step / RAMP_STEPS, 1.0)
            chosen, windows = self._drawn_shards(walks, progress, draw)
            pairs = zip(chosen.tolist(), windows.tolist(), strict=True)
            starts = np.concatenate([walks[i].take(n) for i, n in pairs])
            places = np.stack([np.repeat(self.shards[chosen], windows), starts], axis=1)
            yield places[_interleaved(windows, draw)]

    def _drawn_shards(
        self, walks: list[Walk], progress: float, draw: np.random.Generator
    ) -> tuple[Ids, Ids]:
        """Draw which walks give windows to a step, and how many each, at least one."""
        exponent = EXPONENT[0] + progress * (EXPONENT[1] - EXPONENT[0])
        weights = np.array([max(w.remaining, 1) for w in walks]) ** exponent
        mixed = self._shards_mixed(progress)
        chosen = draw.choice(len(walks), mixed, replace=False, p=weights / weights.sum())
        among = weights[chosen] / weights[chosen].sum()
        return chosen, 1 + draw.multinomial(self.share.rows - mixed, among)

    def _shards_mixed(self, progress: float) -> int:
        most = min(len(self.shards), self.share.rows)
        low, high = (
            min(max(least, each * self.share.world_size), most) for least, each in SHARDS_MIXED
        )
        return round(low + progress * (high - low))


def _interleaved(windows: Ids, draw: np.random.Generator) -> Ids:
    """Return a random order that takes one window of each shard before a second one of any.

    ``windows`` says how many there are of each shard; they lie shard after shard.
    """
    shards = np.repeat(np.arange(len(windows)), windows)
    shuffled = np.lexsort((draw.random(len(shards)), shards))
    rounds = np.arange(len(shards)) - np.repeat(np.cumsum(windows) - windows, windows)
    return shuffled[np.lexsort((draw.random(len(shards)), rounds))]
