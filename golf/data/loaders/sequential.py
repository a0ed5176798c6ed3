"""The challenge's token stream: one cursor over the shards in name order, without a seed.

Source: parameter-golf ``train_gpt.py``, the naive baseline. Every batch takes one token more
than its inputs from the stream, so that the last input has its target; that token is the input
of no batch. A row begins wherever the cursor stands, also in the midst of a document.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from golf.data.loaders.batch import Batch, Share, too_short
from golf.data.stream import TokenStream


class Sequential:
    """Every call takes world * (micro_tokens + 1) tokens; each process has its own slice.

    Processes with the same ``micro_tokens`` read together what one process reads; other batch
    sizes leave out other tokens.

    Raises:
        GolfError: the shards are empty.
    """

    def __init__(self, stream: TokenStream, share: Share) -> None:
        self.stream, self.share = stream, share
        if not stream.total:
            raise too_short("token")

    def micro_batches(self, step: int) -> Iterator[Batch]:
        """Yield this process's slices of the step's calls, as rows of T."""
        width = self.share.micro_tokens + 1
        for call in self.share.calls(step):
            start = (call * self.share.world_size + self.share.rank) * width
            tokens = torch.from_numpy(self.stream.read(start, width))
            inputs, targets = tokens[:-1], tokens[1:]
            yield Batch(inputs.view(-1, self.share.seq_len), targets.view(-1, self.share.seq_len))
