"""The validation stream, cut so that every target is scored exactly once.

Place i is the target ``tokens[i + 1]``, which input i and those before it predict. A window
holds up to a sequence of inputs and scores only its last ``stride`` targets; the first window
of a text scores all of its own. Chunked scoring is the stride of a whole sequence. The last
window may be short; nothing is dropped and nothing counted twice.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from golf.config.geometry import Geometry
from golf.config.tokens import BOS
from golf.data.prepare import Prepared
from golf.data.shards import open_shard


@dataclass(frozen=True, order=True)
class Window:
    """Inputs ``start`` to ``end``; the targets of inputs ``scored`` to ``end`` count."""

    start: int
    scored: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Batch:
    """Rows that are scored together.

    Attributes:
        inputs: tokens, (B, T); rows of several windows end in padding.
        targets: the next tokens at the last S positions of each row, (B, S).
        places: which target stands there, (B, S); -1 for one that does not count.
        starts: where each position's window begins in its row, (B, T); None for one window a row.
    """

    inputs: Tensor
    targets: Tensor
    places: Tensor
    starts: Tensor | None = None


def cut_windows(targets: int, length: int, stride: int, first: int = 0) -> list[Window]:
    """Return windows that score each of ``targets`` targets exactly once, in order.

    Args:
        targets: how many targets the text has.
        length: most inputs of a window.
        stride: targets that all windows but the first score.
        first: where the text begins in the stream.
    """
    context, stop = length - stride, first + targets
    windows = [Window(first, first, min(first + length, stop))]
    while windows[-1].end < stop:
        scored = windows[-1].end
        windows.append(Window(scored - context, scored, min(scored + stride, stop)))
    return windows


@dataclass(frozen=True)
class ValidationStream:
    """The validation tokens and the bytes that each one stands for.

    Attributes:
        tokens: (N + 1,) int64; N targets.
        token_bytes: (N + 1,) int64; BOS counts none.
        whole: whether this is the whole split.
    """

    tokens: Tensor
    token_bytes: Tensor
    whole: bool = True

    @property
    def targets(self) -> int:
        return len(self.tokens) - 1

    def documents(self) -> list[tuple[int, int]]:
        """Return (first place, place after the last) of each document.

        A document's last target is the next one's BOS, so that none is left out.
        """
        return list(pairwise(sorted({0, *self._beginnings, self.targets})))

    @cached_property
    def _beginnings(self) -> frozenset[int]:
        """Where BOS begins a document; looked up once, since a stream has many."""
        return frozenset(torch.nonzero(self.tokens[:-1] == BOS).flatten().tolist())

    def windows(self, geometry: Geometry, length: int) -> list[Window]:
        """Return the windows of a geometry, in order; together they score every target."""
        texts = self.documents() if geometry.by_document else [(0, self.targets)]
        step = geometry.step(length)
        return [w for a, b in texts for w in cut_windows(b - a, length, step, a)]

    def rows(self, windows: Sequence[Window], geometry: Geometry, length: int) -> list[Row]:
        """Return windows of a geometry as rows."""
        return make_rows(windows, length, self._beginnings if geometry.by_document else ())

    def batch(self, rows: Sequence[Row]) -> Batch:
        """Return rows of one shape as tensors."""
        length, last, packed = rows[0].shape
        inputs = torch.zeros(len(rows), length, dtype=torch.int64)
        places = torch.full((len(rows), length), -1, dtype=torch.int64)
        starts = torch.zeros(len(rows), length, dtype=torch.int64)
        for r, row in enumerate(rows):
            at = 0
            for w in row.windows:
                inputs[r, at : at + w.length] = self.tokens[w.start : w.end]
                scored = at + w.scored - w.start
                places[r, scored : at + w.length] = torch.arange(w.scored, w.end)
                starts[r, at:] = at
                at += w.length
            starts[r, at:] = at
        places = places[:, length - last :]
        targets = self.tokens[places + 1].masked_fill(places < 0, 0)
        return Batch(inputs, targets, places, starts if packed else None)


@dataclass(frozen=True)
class Row:
    """One window, or several short ones packed one behind the other.

    Attributes:
        shape: inputs; how many positions at the end hold every target that counts; packed.
    """

    windows: tuple[Window, ...]
    shape: tuple[int, int, bool]


def make_rows(
    windows: Sequence[Window], length: int, beginnings: Collection[int] = ()
) -> list[Row]:
    """Return rows of ``length`` inputs in which windows do not see each other.

    Short windows at the beginning of a document are packed: BOS tells them apart, also for
    parts that read the token before. Other short ones get a row of their own. The same windows
    give the same rows, however many processes share them.

    Args:
        windows: of one geometry.
        length: most inputs of a window.
        beginnings: where documents begin; nothing is packed without.
    """
    short = {w for w in windows if w.length < length and w.start in beginnings}
    packed = [Row(tuple(p), (length, length, True)) for p in _pack(sorted(short), length)]
    return [_alone(w, length, padded=bool(beginnings)) for w in windows if w not in short] + packed


def _alone(window: Window, length: int, padded: bool) -> Row:
    """Return a row of one window; a short one is padded where many of them come."""
    if padded and window.length < length:
        return Row((window,), (length, length, False))
    return Row((window,), (window.length, window.end - window.scored, False))


def _pack(windows: Sequence[Window], length: int) -> list[list[Window]]:
    """Fill rows of ``length`` inputs: the longest window first, into the fullest row with room."""
    rows: list[list[Window]] = []
    rooms: list[tuple[int, int]] = []  # (free inputs, row), sorted
    for w in sorted(windows, key=lambda w: -w.length):
        at = bisect_left(rooms, (w.length, -1))
        if at == len(rooms):
            rows.append([])
            rooms.append((length, len(rows) - 1))
        free, number = rooms.pop(at)
        rows[number].append(w)
        insort(rooms, (free - w.length, number))
    return rows


def batch_rows(rows: Sequence[Row], tokens: int, filled: bool = False) -> Iterator[list[Row]]:
    """Yield rows of one shape together, in order, up to ``tokens`` inputs; at least one.

    With ``filled`` the last of several batches is as large as the others: empty rows follow,
    which cost less than a graph of their own.
    """
    by_shape: dict[tuple[int, int, bool], list[Row]] = {}
    for row in rows:
        by_shape.setdefault(row.shape, []).append(row)
    for shape, same in by_shape.items():
        each = max(1, tokens // shape[0])
        for first in range(0, len(same), each):
            some = same[first : first + each]
            yield some + [Row((), shape)] * (each - len(some) if filled and first else 0)


def open_validation(dataset: Prepared, max_targets: int | None = None) -> ValidationStream:
    """Return the validation split of a prepared dataset, or its first ``max_targets`` targets."""
    stop = None if max_targets is None else max_targets + 1
    tokens = _join(dataset.val)[:stop]
    return ValidationStream(
        tokens, _join(dataset.val_bytes)[:stop], len(tokens) == dataset.val_tokens
    )


def _join(shards: list[str]) -> Tensor:
    joined = np.concatenate([open_shard(Path(p)) for p in shards])
    return torch.from_numpy(joined.astype(np.int64))
