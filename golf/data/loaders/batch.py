"""What every loader hands out, which part of a step a process reads, and what a loader is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from golf.data.stream import Ids, Places, TokenStream
from golf.errors import GolfError, fail


class Batch(NamedTuple):
    """One forward and backward pass of one process.

    Attributes:
        inputs: (B, T) int64.
        targets: (B, T) int64, the token after each input.
        starts: (B, T) int64, where in its row each input's segment begins: attention stays
            within the segment. None where it may look at the whole row.
    """

    inputs: Tensor
    targets: Tensor
    starts: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the batch on ``device``; a GPU goes on working while it gets there."""
        starts = None if self.starts is None else _sent(self.starts, device)
        return Batch(_sent(self.inputs, device), _sent(self.targets, device), starts)


def _sent(ids: Tensor, device: torch.device) -> Tensor:
    """Return ``ids`` on ``device``; what is not pinned, or has gaps, is copied while all wait."""
    if device.type != "cuda":
        return ids.to(device)
    return ids.contiguous().pin_memory().to(device, non_blocking=True)


@dataclass(frozen=True)
class Share:
    """The part of every step that one process reads.

    Attributes:
        seq_len: T, inputs of a sequence.
        batch_tokens: inputs of a step, over all processes.
        micro_tokens: inputs of one batch of one process.
    """

    seq_len: int
    batch_tokens: int
    micro_tokens: int
    rank: int
    world_size: int

    @property
    def rows(self) -> int:
        """Sequences of a step, over all processes."""
        return self.batch_tokens // self.seq_len

    @property
    def own_rows(self) -> int:
        """Sequences of a step that this process reads."""
        return self.rows // self.world_size

    @property
    def micro_rows(self) -> int:
        """Sequences of one batch."""
        return self.micro_tokens // self.seq_len

    @property
    def own_slice(self) -> slice:
        """This process's sequences among those of a step, where each reads a run of them."""
        return slice(self.rank * self.own_rows, (self.rank + 1) * self.own_rows)

    def calls(self, step: int) -> range:
        """Return the numbers of a step's batches, counted on one process from the first step."""
        each = self.batch_tokens // (self.micro_tokens * self.world_size)
        return range(step * each, (step + 1) * each)


class Loader(Protocol):
    """Reads the same tokens for a step whatever was read before it, in this process or another."""

    def micro_batches(self, step: int) -> Iterator[Batch]:
        """Yield this process's batches of ``step``, counted from 0."""
        ...


def batch_of_rows(rows: Ids) -> Batch:
    """Return a batch of ``rows``, (B, T + 1): T inputs each, and the same shifted by one."""
    both = torch.from_numpy(rows)
    return Batch(both[:, :-1], both[:, 1:])


def window_batches(stream: TokenStream, places: Places, share: Share) -> Iterator[Batch]:
    """Yield the sequences that begin at ``places``, (n, 2), batch by batch."""
    for first in range(0, len(places), share.micro_rows):
        chosen = places[first : first + share.micro_rows]
        yield batch_of_rows(stream.windows(chosen, share.seq_len + 1))


def too_short(needed: str) -> GolfError:
    """Return the error for train shards without a single batch."""
    hint = "shorten seq_len or micro_tokens, or use more training data"
    return fail(f"the train shards hold no {needed}", hint)
