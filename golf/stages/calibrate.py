"""Calibration: the model reads text, and every linear map keeps sum of x x^T over its inputs."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from golf.config.schema.quant import QuantConfig
from golf.data.loaders.batch import Share
from golf.data.loaders.shuffled import Shuffled
from golf.data.stream import TokenStream
from golf.model.gpt import GPT
from golf.model.linear import Linear
from golf.model.route import Slot
from golf.stages.context import Context
from golf.stages.world import World

TEMPERATURE = 0.8  # of made-up text; parameter-golf PR 1019
GRAM_BLOCK = 256  # columns at a time; what lies below the diagonal is not computed


def collect_hessians(context: Context, model: GPT, config: QuantConfig) -> dict[str, Tensor]:
    """Return the Hessian of every linear map and of the head by parameter name, on CPU.

    Maps that read the same tensor share one Hessian object; a looped block adds up its passes.
    Each process reads its share of the batches.
    """
    collector = Collector(model)
    for number, tokens in enumerate(calibration_batches(context, model, config)):
        context.progress(number, config.calib_batches, "calibrating")
        if number % context.world.size == context.world.rank:
            collector.read(tokens.to(context.world.device))
    if not collector.sums:
        collector.read_nothing(tokens[:1].to(context.world.device))
    return collector.hessians(context.world)


class Collector:
    """A tap that adds up x x^T for the parameter behind each named point."""

    def __init__(self, model: GPT) -> None:
        self.model = model
        self.names = {id(p): n for n, p in model.named_parameters()}
        self.sums: dict[str, Tensor] = {}
        self.owner: dict[str, str] = {}
        self.last: tuple[Tensor | None, str] = (None, "")

    def __call__(self, slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        weight = self._weight(slot, name)
        if weight is None:
            return y
        parameter = self.names[id(weight)]
        seen, owner = self.last
        if seen is not x:
            owner = parameter
            add_gram(self._sum(owner, x), x.flatten(0, -2).float())
            self.last = (x, owner)
        if self.owner.setdefault(parameter, owner) != owner:
            raise RuntimeError(f"{parameter} shares its inputs in some passes only")
        return y

    @torch.inference_mode()
    def read(self, tokens: Tensor) -> None:
        """Add what the maps read in a pass over ``tokens``."""
        self.model.logits(tokens, taps=(self,))

    @torch.inference_mode()
    def read_nothing(self, tokens: Tensor) -> None:
        """Have sums of zero: a process without a batch adds up as many as the others."""
        self.read(tokens)
        for total in self.sums.values():
            total.zero_()

    def hessians(self, world: World) -> dict[str, Tensor]:
        """Return the sums over all processes, both halves filled in."""
        whole = {n: mirrored(world.sum(s)).cpu() for n, s in sorted(self.sums.items())}
        return {parameter: whole[owner] for parameter, owner in self.owner.items()}

    def _sum(self, owner: str, x: Tensor) -> Tensor:
        if owner not in self.sums:
            width = x.size(-1)
            self.sums[owner] = torch.zeros(width, width, device=x.device)
        return self.sums[owner]

    def _weight(self, slot: Slot, name: str) -> nn.Parameter | None:
        """Return the parameter of a named point; None for points around whole branches."""
        if name == "head":
            own = getattr(self.model.head, "out", None)
            return self.model.embed_VC if own is None else own.master
        block = self.model.blocks[slot.layer]
        maps = (getattr(part, name, None) for part in (block.attention, block.mlp))
        return next((m.master for m in maps if isinstance(m, Linear)), None)


def add_gram(total: Tensor, inputs: Tensor) -> None:
    """Add inputs^T inputs, (columns, columns), to the blocks on and above the diagonal."""
    for first in range(0, inputs.size(1), GRAM_BLOCK):
        rows = slice(first, first + GRAM_BLOCK)
        total[rows, first:].addmm_(inputs[:, rows].T, inputs[:, first:])


def mirrored(upper: Tensor) -> Tensor:
    """Return the symmetric matrix whose upper triangle is given."""
    return upper.triu() + upper.triu(1).T


def calibration_batches(context: Context, model: GPT, config: QuantConfig) -> Iterator[Tensor]:
    """Yield batches of input tokens, (rows, seq_len) int64, from the source that was chosen."""
    seq_len: int = context.training["train.seq_len"]
    rows = windows_in(config.calib_tokens, seq_len)
    if config.calib_source == "train":
        loader = window_loader(context, config, rows)
        for batch in range(config.calib_batches):
            yield from (b.inputs for b in loader.micro_batches(batch))
        return
    seed = calibration_seed(context, config)
    draw = torch.Generator(context.world.device).manual_seed(seed)
    for _ in range(config.calib_batches):
        yield made_up_text(model, rows, seq_len, context.dataset.vocab_size, draw)


def windows_in(tokens: int, seq_len: int) -> int:
    """Return how many whole windows hold so many tokens."""
    return -(-tokens // seq_len)


def window_loader(context: Context, config: QuantConfig, rows: int) -> Shuffled:
    """Return the training split in the order that calibration reads it, ``rows`` at a time."""
    seq_len: int = context.training["train.seq_len"]
    share = Share(seq_len, rows * seq_len, rows * seq_len, rank=0, world_size=1)
    stream = TokenStream(context.dataset.train)
    return Shuffled(stream, share, calibration_seed(context, config))


def calibration_seed(context: Context, config: QuantConfig) -> int:
    """Return the seed of the batches: the one that is set, or one from the training's."""
    return context.seed if config.calib_seed is None else config.calib_seed


@torch.inference_mode()
def made_up_text(
    model: GPT, rows: int, seq_len: int, vocab_size: int, draw: torch.Generator
) -> Tensor:
    """Return what the model says after a first token drawn at random, (rows, seq_len) int64.

    Source: parameter-golf PR 1019.
    """
    tokens = torch.zeros(rows, seq_len, dtype=torch.int64, device=draw.device)
    tokens[:, 0] = torch.randint(vocab_size, (rows,), generator=draw, device=draw.device)
    for place in range(1, seq_len):
        logits = model.logits(tokens)[:, place - 1] / TEMPERATURE
        tokens[:, place] = torch.multinomial(logits.softmax(-1), 1, generator=draw)[:, 0]
    return tokens
