"""Which training windows belong to which step: a pure function of (data_seed, step).

Nothing is remembered between steps, so a resumed run reads the same tokens, and any number of
ranks share a step's windows without talking to each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from golf.data.shards import open_shard

Places = npt.NDArray[np.int64]


class WindowLoader:
    """Cuts train shards into windows of ``seq_len`` inputs and their next tokens.

    ``shuffled``: every epoch visits all windows once, in an order and at a phase (where in the
    shard the first window starts) drawn from (data_seed, epoch). ``sequential``: shard order.
    """

    def __init__(self, shards: Sequence[str], seq_len: int, data_seed: int | None) -> None:
        self.shards = [open_shard(Path(p)) for p in shards]
        self.seq_len = seq_len
        self.data_seed = data_seed
        # One window less than fits, so that any phase below seq_len still has its last target.
        fits = [max(0, (len(s) - 1) // seq_len - 1) for s in self.shards]
        self.first = np.concatenate([[0], np.cumsum(fits)])
        self.windows = int(self.first[-1])
        if not self.windows:
            raise ValueError(f"the train shards hold no window of {seq_len} tokens")
        self._epoch = -1
        self._order: Places = np.arange(0)
        self._phases: Places = np.arange(0)

    def rows(self, start: int, count: int) -> tuple[Tensor, Tensor]:
        """Return inputs and targets, each (count, seq_len) int64, from global row ``start``."""
        block = np.stack([self._window(row) for row in range(start, start + count)])
        both = torch.from_numpy(block.astype(np.int64))
        return both[:, :-1], both[:, 1:]

    def micro_batches(
        self, step: int, rows: int, micro_rows: int, rank: int, world_size: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield a rank's share of the ``rows`` windows of ``step``, ``micro_rows`` at a time."""
        share = rows // world_size
        start = step * rows + rank * share
        for first in range(start, start + share, micro_rows):
            yield self.rows(first, micro_rows)

    def _window(self, row: int) -> npt.NDArray[np.uint16]:
        epoch, place = divmod(row, self.windows)
        self._enter(epoch)
        block = int(self._order[place]) if len(self._order) else place
        shard = int(np.searchsorted(self.first, block, side="right")) - 1
        start = (block - int(self.first[shard])) * self.seq_len
        start += int(self._phases[shard]) if len(self._phases) else 0
        return self.shards[shard][start : start + self.seq_len + 1]

    def _enter(self, epoch: int) -> None:
        if self.data_seed is None or epoch == self._epoch:
            return
        draw = np.random.Generator(np.random.PCG64([self.data_seed, epoch]))
        self._phases = draw.integers(0, self.seq_len, len(self.shards))
        self._order = draw.permutation(self.windows)
        self._epoch = epoch
