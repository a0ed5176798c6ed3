"""Documents packed into flat rows, with attention kept inside each document.

Source: parameter-golf PR 1530 and later. A row is a run of the stream; it is cut into segments
at each BOS and, within a document, every T tokens. The row's first token begins a segment, too,
even where it continues the document of another row.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from golf.config.tokens import BOS
from golf.data.loaders.batch import Batch, Share, too_short
from golf.data.stream import Ids, TokenStream, first_bos
from golf.errors import fail


class Packed:
    """Each call takes a span of world * (micro_tokens + 1) tokens from one shard.

    Shards follow each other in name order and wrap. Reading begins at a shard's first BOS, and
    what remains of a shard when no span fits is dropped. Up to that tail, processes with the
    same ``micro_tokens`` read together what one process reads; a longer span drops a longer tail.

    Raises:
        GolfError: no shard holds a BOS, or none a span.
    """

    def __init__(self, stream: TokenStream, share: Share) -> None:
        self.stream, self.share = stream, share
        self.width = share.micro_tokens + 1
        begins = [first_bos(shard) for shard in stream.shards]
        if all(begin is None for begin in begins):
            what = f"no document begins in the train shards (BOS, token {BOS})"
            raise fail(what, "choose a loader that does not look for documents")
        # A shard without BOS lies inside one document.
        self.begins = [begin or 0 for begin in begins]
        span = self.width * share.world_size
        fits = [(len(s) - b) // span for s, b in zip(stream.shards, self.begins, strict=True)]
        self.first = np.concatenate([[0], np.cumsum(fits)])
        if not self.first[-1]:
            raise too_short(f"span of {share.world_size} x {self.width} tokens")

    def micro_batches(self, step: int) -> Iterator[Batch]:
        """Yield this process's rows of the step, each (1, micro_tokens)."""
        for call in self.share.calls(step):
            row = self._row(call % int(self.first[-1]))
            starts = segment_starts(row[:-1], self.share.seq_len)
            tokens = torch.from_numpy(row)[None]
            yield Batch(tokens[:, :-1], tokens[:, 1:], torch.from_numpy(starts)[None])

    def _row(self, span: int) -> Ids:
        shard = int(np.searchsorted(self.first, span, side="right")) - 1
        within = (span - int(self.first[shard])) * self.share.world_size + self.share.rank
        start = self.begins[shard] + within * self.width
        return self.stream.shards[shard][start : start + self.width].astype(np.int64)


def segment_starts(inputs: Ids, longest: int) -> Ids:
    """Return where in the row each token's segment begins, (T,) int64.

    Args:
        inputs: (T,) tokens of one row.
        longest: tokens after which a document is cut.
    """
    places = np.arange(len(inputs))
    documents = np.maximum.accumulate(np.where(inputs == BOS, places, 0))
    return places - (places - documents) % longest
