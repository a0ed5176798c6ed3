"""The loader that ``train.loader`` names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from golf.config.schema.train import TrainConfig
from golf.data.loaders.batch import Loader, Share
from golf.data.loaders.best_fit import BestFit
from golf.data.loaders.coprime import Coprime
from golf.data.loaders.packed import Packed
from golf.data.loaders.sequential import Sequential
from golf.data.loaders.shuffled import Shuffled
from golf.data.loaders.shuffled_sequence import ShuffledSequence
from golf.data.stream import TokenStream

SEEDED: dict[str, Callable[[TokenStream, Share, int], Loader]] = {
    "shuffled": Shuffled,
    "shuffled_sequence": ShuffledSequence,
    "coprime": Coprime,
}
UNSEEDED: dict[str, Callable[[TokenStream, Share], Loader]] = {
    "sequential": Sequential,
    "packed": Packed,
    "best_fit": BestFit,
}


def build_loader(config: TrainConfig, paths: Sequence[str], rank: int, world_size: int) -> Loader:
    """Return the loader of one process over the train shards at ``paths``, in name order.

    Raises:
        GolfError: the shards do not hold what the loader needs.
    """
    assert config.micro_tokens is not None, "resolved before a training starts"
    stream = TokenStream(paths)
    share = Share(config.seq_len, config.batch_tokens, config.micro_tokens, rank, world_size)
    if config.loader in UNSEEDED:
        return UNSEEDED[config.loader](stream, share)
    assert config.data_seed is not None, "resolved before a training starts"
    return SEEDED[config.loader](stream, share, config.data_seed)
