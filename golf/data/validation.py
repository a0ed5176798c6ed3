"""The validation stream, cut so that every target is scored exactly once.

A geometry is a stride: each window holds up to ``seq_len`` inputs and scores only its last
``stride`` targets (the first window scores all of its own). Chunked scoring is the stride
``seq_len``. The last window may be short; nothing is dropped and nothing counted twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from golf.data.prepare import Prepared
from golf.data.shards import open_shard


@dataclass(frozen=True)
class Window:
    """Inputs ``start`` to ``end``; the targets of inputs ``scored`` to ``end`` count."""

    start: int
    scored: int
    end: int


def cut_windows(targets: int, seq_len: int, stride: int) -> list[Window]:
    """Return windows that score each of ``targets`` targets exactly once, in order."""
    context = seq_len - stride
    windows = [Window(0, 0, min(seq_len, targets))]
    while windows[-1].end < targets:
        scored = windows[-1].end
        windows.append(Window(scored - context, scored, min(scored + stride, targets)))
    return windows


class ValidationStream:
    """The validation tokens and the bytes that each one stands for.

    Attributes:
        tokens: (N + 1,) int64; N targets.
        token_bytes: (N + 1,) int64; BOS counts none.
    """

    def __init__(self, dataset: Prepared, max_targets: int | None = None) -> None:
        stop = None if max_targets is None else max_targets + 1
        self.tokens = _join(dataset.val)[:stop]
        self.token_bytes = _join(dataset.val_bytes)[:stop]
        self.whole = len(self.tokens) == dataset.val_tokens

    @property
    def targets(self) -> int:
        return len(self.tokens) - 1

    def batches(self, windows: list[Window], rows: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield inputs, targets and bytes, each (rows, length); bytes are -1 where unscored.

        Windows of one length are batched together, in order.
        """
        batch: list[Window] = []
        for window in windows:
            if batch and (len(batch) == rows or _length(window) != _length(batch[0])):
                yield self._stack(batch)
                batch = []
            batch.append(window)
        if batch:
            yield self._stack(batch)

    def _stack(self, batch: list[Window]) -> tuple[Tensor, Tensor, Tensor]:
        inputs = torch.stack([self.tokens[w.start : w.end] for w in batch])
        targets = torch.stack([self.tokens[w.start + 1 : w.end + 1] for w in batch])
        counted = torch.stack([self.token_bytes[w.start + 1 : w.end + 1] for w in batch])
        for row, w in enumerate(batch):
            counted[row, : w.scored - w.start] = -1
        return inputs, targets, counted


def _length(window: Window) -> int:
    return window.end - window.start


def _join(shards: list[str]) -> Tensor:
    joined = np.concatenate([open_shard(Path(p)) for p in shards])
    return torch.from_numpy(joined.astype(np.int64))
