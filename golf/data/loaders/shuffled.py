"""A seeded permutation of all windows in every epoch: a pure function of (data_seed, step).

Nothing is remembered between steps, and any number of processes share a step's windows: they
read together what one process reads.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from golf.data.loaders.batch import Batch, Share, too_short, window_batches
from golf.data.stream import Ids, Places, TokenStream


class Shuffled:
    """Every epoch visits all windows once, in an order drawn from (data_seed, epoch).

    So is the phase of each shard, the token at which its first window starts.

    Raises:
        GolfError: no shard holds a window.
    """

    def __init__(self, stream: TokenStream, share: Share, data_seed: int) -> None:
        self.stream, self.share, self.data_seed = stream, share, data_seed
        # One window less than fits, so that any phase below seq_len still has its last target.
        fits = [max(0, (len(s) - 1) // share.seq_len - 1) for s in stream.shards]
        self.first = np.concatenate([[0], np.cumsum(fits)])
        self.windows = int(self.first[-1])
        if not self.windows:
            raise too_short(f"window of {share.seq_len} tokens")
        self._epoch = -1
        self._order: Ids = np.arange(0)
        self._phases: Ids = np.arange(0)

    def micro_batches(self, step: int) -> Iterator[Batch]:
        """Yield this process's run of the step's windows."""
        windows = np.arange(step * self.share.rows, (step + 1) * self.share.rows)
        return window_batches(self.stream, self._places(windows[self.share.own_slice]), self.share)

    def _places(self, windows: Ids) -> Places:
        """Return where windows, counted from the first epoch, begin; they may span epochs."""
        epochs, within = np.divmod(windows, self.windows)
        places = [self._places_in(int(e), within[epochs == e]) for e in np.unique(epochs)]
        return np.concatenate(places)

    def _places_in(self, epoch: int, within: Ids) -> Places:
        self._enter(epoch)
        blocks = self._order[within]
        shards = np.searchsorted(self.first, blocks, side="right") - 1
        starts = (blocks - self.first[shards]) * self.share.seq_len + self._phases[shards]
        return np.stack([shards, starts], axis=1)

    def _enter(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        draw = np.random.Generator(np.random.PCG64([self.data_seed, epoch]))
        self._phases = draw.integers(0, self.share.seq_len, len(self.stream.shards))
        self._order = draw.permutation(self.windows)
        self._epoch = epoch
