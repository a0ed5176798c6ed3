"""Score-first SGD: a chunk of the stream is scored, then the model learns from it.

Chunk c is scored by weights that have seen chunks 0 to c-1 only, and a score is never revised.
Source: parameter-golf PR 549 and 1493; rules of issue 1017.
"""

from __future__ import annotations

from collections.abc import Sequence

from golf.config.geometry import Geometry
from golf.config.schema.scoring import TTTConfig
from golf.data.validation import Row, ValidationStream, Window
from golf.model.gpt import GPT
from golf.stages.scoring import ScoreSheet, Tell, score_rows
from golf.stages.sgd import SgdLearner, SgdSettings
from golf.stages.world import World


class ChunkSgd:
    """The model as it learns from chunks that have their final score."""

    def __init__(
        self, model: GPT, geometry: Geometry, length: int, config: TTTConfig, world: World
    ) -> None:
        self.model, self.geometry, self.length, self.config = model, geometry, length, config
        self.by_document = False
        settings = SgdSettings(
            config.lr, config.momentum, config.epochs, config.batch_tokens, config.grad_clip,
            config.freeze_blocks,
        )  # fmt: skip
        self.learner = SgdLearner(model, settings, world)

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        """Score chunk after chunk, learning in between."""
        windows = stream.windows(self.geometry, self.length)
        chunks = split_chunks(windows, self.config.chunk_tokens)
        last = len(chunks) - 1
        for number, chunk in enumerate(chunks):
            self.score_chunk(stream, chunk, sheet)
            if number % self.config.update_every == 0 and number < last:
                self.learn_chunk(stream, chunk, sheet, number / last)
            tell(number + 1, len(chunks))

    def score_chunk(
        self, stream: ValidationStream, chunk: Sequence[Window], sheet: ScoreSheet
    ) -> None:
        """Score a chunk with the weights as they are."""
        rows = stream.rows(chunk, self.geometry, self.length)
        score_rows(self.model, stream, rows, sheet, lambda _step, _of: None)

    def learn_chunk(
        self, stream: ValidationStream, chunk: Sequence[Window], sheet: ScoreSheet, done: float
    ) -> None:
        """Learn from the whole sequences of a chunk."""
        rows = whole_sequences(chunk[0].scored, chunk[-1].end, self.length)
        self.learner.learn(stream, rows, sheet, done)

    def learned(self) -> dict[str, int]:
        """Return how many steps taught the model."""
        return {"updates": self.learner.steps}


def split_chunks(windows: Sequence[Window], chunk_tokens: int) -> list[list[Window]]:
    """Group windows by the chunk that holds their first scored target."""
    chunks: dict[int, list[Window]] = {}
    for window in windows:
        chunks.setdefault(window.scored // chunk_tokens, []).append(window)
    return list(chunks.values())


def whole_sequences(first: int, last: int, length: int) -> list[Row]:
    """Return the rows of ``length`` targets that fit between two places."""
    starts = range(first, last - length + 1, length)
    return [Row((Window(s, s, s + length),), (length, length, False)) for s in starts]
