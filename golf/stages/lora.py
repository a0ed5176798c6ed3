"""Adapters that follow one document each: a chunk is scored, then they learn from it.

The order of the documents is fixed before the first is scored, lanes carry them in that order,
and a process owns whole lanes: any number of processes computes the same thing. Documents end
with the next one's BOS as their last target. In a pause the model itself learns from all
documents before it. Source: parameter-golf, LoRA TTT of March 2026, PR 1530, 1610 and 1626.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

from golf.config.pauses import pauses
from golf.config.schema.scoring import TTTConfig
from golf.data.validation import Row, ValidationStream, Window
from golf.model.gpt import GPT
from golf.optim.row_adamw import RowAdamW
from golf.stages.adapters import RowAdapters, adapter_shapes
from golf.stages.scoring import ScoreSheet, Tell, run_model
from golf.stages.sgd import SgdLearner, SgdSettings
from golf.stages.world import World

Document = tuple[int, int]  # first place, place after the last


class DocumentLora:
    """Scores documents side by side, each with adapters of its own."""

    def __init__(self, model: GPT, length: int, config: TTTConfig, seed: int, world: World) -> None:
        self.model, self.length, self.config, self.world = model, length, config, world
        self.by_document = not config.warm_a and not config.phases
        self.shapes = adapter_shapes(model, config.lora_targets)
        self.generator = torch.Generator(world.device).manual_seed(seed)
        self.warm: dict[int, list[Tensor]] = {}
        self.updates = self.pauses = 0

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        """Score document after document, with pauses in between."""
        config, documents = self.config, ordered(stream.documents(), self.config.order)
        due = pauses(config.phases, config.prefix_docs, len(documents))
        cuts = [0, *due, len(documents)]
        for start, stop in pairwise(cuts):
            if start:
                self.pause(stream, documents[:start], sheet)
            for first in range(start, stop, config.lora_batch):
                last = min(first + config.lora_batch, stop)
                self.follow(stream, documents[first:last], sheet)
                tell(last, len(documents))

    def follow(self, stream: ValidationStream, lanes: list[Document], sheet: ScoreSheet) -> None:
        """Score this process's lanes to their ends; the longest come first, so rows drop off."""
        own = range(self.world.rank, len(lanes), self.world.size)
        mine = sorted(own, key=lambda lane: lanes[lane][0] - lanes[lane][1])
        adapters = self.fresh_adapters(len(lanes), mine)
        config, step = self.config, self.config.lora_chunk
        optimizer = RowAdamW(
            adapters.tensors, config.lora_lr, (config.beta1, config.beta2), config.weight_decay
        )
        lengths = [lanes[lane][1] - lanes[lane][0] for lane in mine]
        for chunk_start in range(0, max(lengths, default=0), step):
            active = sum(n > chunk_start for n in lengths)
            rows = [self.row(lanes[lane], chunk_start) for lane in mine[:active]]
            learning = sum(n > chunk_start + step for n in lengths)
            self.score_chunk(stream, rows, learning, adapters, optimizer, sheet)
        self.keep(adapters, mine)

    def row(self, document: Document, chunk_start: int) -> Row:
        """Return the window of one chunk: up to ``length`` inputs that end with the chunk."""
        first, stop = document
        chunk_end = min(chunk_start + self.config.lora_chunk, stop - first)
        start = max(0, chunk_end - self.length)
        inputs = min(self.length, chunk_start + self.config.lora_chunk)
        window = Window(first + start, first + chunk_start, first + chunk_end)
        return Row((window,), (inputs, self.config.lora_chunk, False))

    def score_chunk(
        self,
        stream: ValidationStream,
        rows: list[Row],
        learning: int,
        adapters: RowAdapters,
        optimizer: RowAdamW,
        sheet: ScoreSheet,
    ) -> None:
        """Score one chunk of every row; the first ``learning`` rows then learn from it."""
        batch = stream.batch(rows)
        adapters.use(len(rows))
        with torch.set_grad_enabled(learning > 0):
            nll = run_model(self.model, batch, self.world, (adapters,))
        sheet.add(nll, batch.places)
        if not learning:
            return
        places = batch.places[:learning]
        sheet.require_scored(places.flatten(), everywhere=False)
        loss = nll[:learning].mean(1).sum()
        gradients = torch.autograd.grad(loss, adapters.leaves)
        optimizer.step([g[:learning] for g in gradients])
        self.updates += learning

    def fresh_adapters(self, lanes: int, mine: Sequence[int]) -> RowAdapters:
        """Return adapters that change nothing yet; A is new, or what its lane learned so far."""
        config, rank = self.config, self.config.lora_rank
        scale = (rank if config.lora_alpha is None else config.lora_alpha) / rank
        adapters = RowAdapters(self.shapes, len(mine), rank, scale, self.world.device)
        adapters.draw(self.generator, lanes, mine)
        for row, lane in enumerate(mine):
            for a, kept in zip(adapters.a.values(), self.warm.get(lane, []), strict=False):
                a[row] = kept
        return adapters

    def keep(self, adapters: RowAdapters, mine: Sequence[int]) -> None:
        """Remember each lane's A for its next document."""
        if self.config.warm_a:
            for row, lane in enumerate(mine):
                self.warm[lane] = [a[row].clone() for a in adapters.a.values()]

    def pause(self, stream: ValidationStream, scored: list[Document], sheet: ScoreSheet) -> None:
        """Let the model learn from all documents scored so far; adapters start anew."""
        config = self.config
        settings = SgdSettings(
            config.phase_lr, config.phase_momentum, config.phase_epochs,
            config.phase_batch_tokens, config.phase_grad_clip,
        )  # fmt: skip
        learner = SgdLearner(self.model, settings, self.world)
        rows, each = flat_rows(scored, self.length), config.phase_chunk_tokens // self.length
        chunks = [rows[i : i + each] for i in range(0, len(rows), each)]
        for number, chunk in enumerate(chunks[:-1]):
            learner.learn(stream, chunk, sheet, number / (len(chunks) - 1))
        self.pauses += bool(learner.steps)
        self.warm.clear()

    def learned(self) -> dict[str, int]:
        """Return how many steps adapters took, counted for each, and how many pauses taught.

        All processes call it together.
        """
        updates = self.world.sum(torch.tensor(self.updates, device=self.world.device))
        return {"updates": int(updates), "pauses": self.pauses}


def ordered(documents: list[Document], order: str) -> list[Document]:
    """Return documents as they lie, or the longest first."""
    return documents if order == "file" else sorted(documents, key=lambda d: d[0] - d[1])


def flat_rows(documents: Sequence[Document], length: int) -> list[Row]:
    """Return documents one behind the other, cut every ``length`` inputs; the rest is left out."""
    rows: list[Row] = []
    pieces: list[Window] = []
    free = length
    for first, stop in documents:
        while first < stop:
            end = min(first + free, stop)
            pieces.append(Window(first, first, end))
            free, first = free - (end - first), end
            if not free:
                rows.append(Row(tuple(pieces), (length, length, True)))
                pieces, free = [], length
    return rows
