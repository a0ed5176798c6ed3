"""Test-time training by score-first SGD: a chunk is scored, then learned from.

Legal by construction: chunk c is scored by weights that have seen chunks 0 to c-1 only, and a
score is never revised. Source: parameter-golf PR 549 and 1493; rules of issue 1017.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from golf.config.schema import group_from
from golf.config.schema.post import TTTConfig
from golf.data.validation import ValidationStream, Window
from golf.model.gpt import GPT
from golf.stages.context import Context, Outcome
from golf.stages.evaluate import BATCH_TOKENS, share
from golf.stages.scoring import Tally, open_stream, scoring_facts, summarize
from golf.stages.weights import load_model
from golf.stages.world import World


def main(context: Context) -> Outcome:
    """Adapt the model of the artifact while scoring the validation split."""
    spec, world = context.node.spec, context.world
    started = time.perf_counter()
    adaptation = Adaptation(context, load_model(context))
    stream, windows = open_stream(context)
    chunks = split_chunks(windows, adaptation.config.chunk_tokens)
    tally = Tally.empty(world.device)
    for number, chunk in enumerate(chunks):
        adaptation.score(stream, chunk, tally)
        if number % adaptation.config.update_every == 0 and number + 1 < len(chunks):
            adaptation.learn(stream, chunk, number / len(chunks))
        context.progress(number + 1, len(chunks))
    world.sum(tally.sums)
    measures = summarize(tally, stream, context.dataset)
    measures["ttt_s"] = time.perf_counter() - started
    return Outcome(measures, scoring_facts(spec["eval.geometry"], stream, context.dataset))


def split_chunks(windows: list[Window], chunk_tokens: int) -> list[list[Window]]:
    """Group windows by the chunk that holds their first scored target."""
    chunks: dict[int, list[Window]] = {}
    for window in windows:
        chunks.setdefault(window.scored // chunk_tokens, []).append(window)
    return list(chunks.values())


class Adaptation:
    """The model as it learns from what it has already been scored on."""

    def __init__(self, context: Context, model: GPT) -> None:
        self.config = group_from(context.node.spec, TTTConfig)
        self.world: World = context.world
        self.model = model
        self.seq_len: int = context.training["train.seq_len"]
        self.score_rows = max(1, BATCH_TOKENS[self.world.device.type] // self.seq_len)
        self.parameters = list(model.parameters())
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=self.config.lr, momentum=self.config.momentum
        )

    def score(self, stream: ValidationStream, chunk: list[Window], tally: Tally) -> None:
        """Score a chunk's targets with the weights as they are."""
        mine = share(chunk, self.world.rank, self.world.size)
        with torch.no_grad():
            for inputs, targets, token_bytes in stream.batches(mine, self.score_rows):
                nll = self.model(inputs.to(self.world.device), targets.to(self.world.device))
                tally.add(nll, token_bytes.to(self.world.device))

    def learn(self, stream: ValidationStream, chunk: list[Window], done: float) -> None:
        """Take SGD passes over a chunk whose targets all have their final score."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.lr * 0.5 * (1 + math.cos(math.pi * done))
        for _ in range(self.config.epochs):
            for inputs, targets in self._batches(stream, chunk):
                self._step(inputs, targets)

    def _batches(
        self, stream: ValidationStream, chunk: list[Window]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield rows of whole sequences from the chunk's scored targets."""
        first, last = chunk[0].scored, chunk[-1].end
        rows = (last - first) // self.seq_len
        each = self.config.batch_tokens // self.seq_len
        stop = first + rows * self.seq_len
        inputs = stream.tokens[first:stop].view(rows, self.seq_len)
        targets = stream.tokens[first + 1 : stop + 1].view(rows, self.seq_len)
        for start in range(0, rows, each):
            yield inputs[start : start + each], targets[start : start + each]

    def _step(self, inputs: Tensor, targets: Tensor) -> None:
        """Take one step on the mean loss of a batch, shared by all processes."""
        mine = slice(self.world.rank, None, self.world.size)
        if len(inputs[mine]):
            nll = self.model(
                inputs[mine].to(self.world.device), targets[mine].to(self.world.device)
            )
            (nll.sum() / targets.numel()).backward()
        for p in self.parameters if self.world.size > 1 else ():
            p.grad = self.world.sum(torch.zeros_like(p) if p.grad is None else p.grad)
        if self.config.grad_clip:
            clip_grad_norm_(self.parameters, self.config.grad_clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
