"""The audit passes every legal method and finds each way to cheat."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from golf.config.geometry import parse_geometry
from golf.config.schema.scoring import TTTConfig
from golf.config.tokens import BOS
from golf.data.validation import ValidationStream, Window
from golf.model.gpt import GPT
from golf.stages.audit import Audit, audit, sample_of
from golf.stages.auditor import in_words
from golf.stages.chunks import ChunkSgd, split_chunks
from golf.stages.evaluate import Evaluation
from golf.stages.lora import DocumentLora
from golf.stages.scoring import Scorer, ScoreSheet, Tell
from golf.stages.weights import uncompiled
from golf.stages.world import World
from tests.stages.material import LENGTH, small_model, text

STREAM = text(90, 12, 7, 40, 18, 11, 130)
SGD = TTTConfig(method="sgd", lr=0.1, chunk_tokens=64, batch_tokens=64, epochs=2)
LORA = TTTConfig(
    method="lora", lora_rank=4, lora_lr=0.02, lora_chunk=8, lora_batch=2, phase_lr=0.05,
    phase_chunk_tokens=32, phase_batch_tokens=32, prefix_docs=4,
)  # fmt: skip
CHUNKED, DOCUMENTS = parse_geometry("chunked"), parse_geometry("documents")
assert CHUNKED is not None
assert DOCUMENTS is not None


def found(make, stream: ValidationStream = STREAM) -> Audit:
    return audit(make, stream, torch.device("cpu"))


def leaking_model() -> GPT:
    """Every token takes from the one before it, BOS from another document's last."""
    return small_model(smear="v2", smear_width=8, smear_bos_mask=False)


def sgd(kind: type[ChunkSgd] = ChunkSgd, **changes: object):
    def make(world: World) -> Scorer:
        return kind(small_model(), CHUNKED, LENGTH, replace(SGD, **changes), world)

    return make


def lora(kind: type[DocumentLora] = DocumentLora, **changes: object):
    def make(world: World) -> Scorer:
        return kind(small_model(), LENGTH, replace(LORA, **changes), 7, world)

    return make


LEGAL = {
    "chunked": lambda _: Evaluation(small_model(), CHUNKED, LENGTH),
    "sliding": lambda _: Evaluation(small_model(), parse_geometry("sliding8"), LENGTH),
    "documents": lambda _: Evaluation(small_model(), DOCUMENTS, LENGTH),
    "strided documents": lambda _: Evaluation(small_model(), parse_geometry("documents8"), LENGTH),
    "masked smear": lambda _: Evaluation(
        small_model(smear="v2", smear_width=8), DOCUMENTS, LENGTH
    ),
    "sgd": sgd(),
    "sgd on a part": sgd(freeze_blocks=1, update_every=2),
    "lora": lora(),
    "warm lora": lora(warm_a=True, order="file"),
    "phased lora": lora(phases=2),
}  # fmt: skip


@pytest.mark.parametrize("method", LEGAL)
def test_a_legal_method_passes(method: str) -> None:
    report = found(LEGAL[method])
    assert report.passed
    assert report.largest_change == 0.0
    assert report.targets == STREAM.targets


def test_what_a_method_claims_about_documents_is_said() -> None:
    claims = {name: found(LEGAL[name]).by_document for name in ("chunked", "documents", "lora")}
    assert claims == {"chunked": False, "documents": True, "lora": True}


class LearnsFirst(ChunkSgd):
    """Cheats in the open: every chunk is learned from before it is scored."""

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        windows = stream.windows(self.geometry, self.length)
        for chunk in split_chunks(windows, self.config.chunk_tokens):
            self.learn_chunk(stream, chunk, sheet, 0.0)
            self.score_chunk(stream, chunk, sheet)


class LearnsInSecret(LearnsFirst):
    """Cheats without asking the sheet."""

    def learn_chunk(
        self, stream: ValidationStream, chunk: list[Window], sheet: ScoreSheet, done: float
    ) -> None:
        everything = ScoreSheet(stream.targets, sheet.world)
        everything.times.fill_(1)
        super().learn_chunk(stream, chunk, everything, done)


class LearnsByItself(LearnsFirst):
    """Cheats without the learner that asks the sheet, on tensors of its own."""

    def learn_chunk(
        self, stream: ValidationStream, chunk: list[Window], sheet: ScoreSheet, done: float
    ) -> None:
        tokens = stream.tokens[None, chunk[0].start : chunk[0].end + 1]
        self.model(tokens[:, :-1], tokens[:, 1:]).mean().backward()
        with torch.no_grad():
            for p in self.model.parameters():
                p -= 0.1 * p.grad
                p.grad = None


def test_learning_before_scoring_is_found_twice() -> None:
    report = found(sgd(LearnsFirst))
    assert not report.passed
    assert not report.score_first
    assert not report.context
    assert report.once
    assert report.sums_to_one


@pytest.mark.parametrize("kind", [LearnsInSecret, LearnsByItself])
def test_learning_in_secret_shows_in_the_gradients_and_in_the_scores(kind: type) -> None:
    report = found(sgd(kind))
    assert not report.score_first
    assert not report.context
    assert report.largest_change > 0.01


def test_a_run_that_cheats_in_the_open_stops() -> None:
    cheat = LearnsFirst(small_model(), CHUNKED, LENGTH, SGD, World(0, 1, torch.device("cpu")))
    with pytest.raises(ArithmeticError, match="before it is scored"):
        cheat.score(STREAM, ScoreSheet(STREAM.targets, cheat.learner.world), lambda _a, _b: None)


class ScoresAgain(DocumentLora):
    """Scores a document twice and would keep the better one."""

    def follow(self, stream: ValidationStream, lanes, sheet: ScoreSheet) -> None:
        super().follow(stream, lanes, sheet)
        super().follow(stream, lanes, sheet)


def test_a_second_score_is_found() -> None:
    assert not found(lora(ScoresAgain)).once


class LeavesOut(Evaluation):
    """Drops the last windows."""

    kept = slice(-2)

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        windows = stream.windows(self.geometry, self.length)[self.kept]
        rows = stream.rows(windows, self.geometry, LENGTH)
        batch = stream.batch([r for r in rows if r.shape == rows[0].shape])
        with torch.no_grad():
            sheet.add(self.model(batch.inputs, batch.targets), batch.places)


class LeavesOutTheFirst(LeavesOut):
    """Drops the window in which the first document begins, which is looked at."""

    kept = slice(1, None)


@pytest.mark.parametrize("kind", [LeavesOut, LeavesOutTheFirst])
def test_a_target_without_a_score_is_found(kind: type[LeavesOut]) -> None:
    assert not found(lambda _: kind(small_model(), CHUNKED, LENGTH), text(300)).once


class Flatters(Evaluation):
    """Takes a tenth of a nat off every score: probabilities that sum to more than one."""

    def score(self, stream: ValidationStream, sheet: ScoreSheet, tell: Tell) -> None:
        add = sheet.add
        sheet.add = lambda nll, places: add(nll - 0.1, places)  # type: ignore[method-assign]
        super().score(stream, sheet, tell)


def test_scores_that_are_no_probabilities_are_found() -> None:
    report = found(lambda _: Flatters(small_model(), CHUNKED, LENGTH))
    assert not report.sums_to_one
    assert report.largest_mass_error == pytest.approx(0.105, abs=0.001)
    assert report.context


def test_a_smear_without_a_mask_leaks_between_packed_documents() -> None:
    report = found(lambda _: Evaluation(leaking_model(), DOCUMENTS, LENGTH))
    assert not report.context
    assert report.score_first
    assert report.once


def test_the_same_smear_is_legal_where_windows_cross_documents() -> None:
    assert found(lambda _: Evaluation(leaking_model(), CHUNKED, LENGTH)).passed


@pytest.mark.parametrize(
    ("attention", "kept"), [("flex", "sdpa"), ("sdpa", "sdpa"), ("tiles", "tiles")]
)
def test_an_audit_keeps_the_attention_that_runs_without_the_compiler(
    attention: str, kept: str
) -> None:
    scored = {"numerics.compile": True, "numerics.attention": attention, "numerics.world_size": 8}
    assert uncompiled(scored) == {"numerics.compile": False, "numerics.attention": kept}
    assert in_words(scored) == f"compiled, {attention} attention, 8 processes"


def test_a_sample_is_real_text_in_long_and_short_documents() -> None:
    stream = text(3000, 4000, 2000)
    sample = sample_of(stream, LENGTH)
    lengths = [b - a for a, b in sample.documents()]
    assert min(lengths) < LENGTH < max(lengths)
    assert len(lengths) == 12
    assert sample.tokens[0] == sample.tokens[-1] == BOS
    pieces = stream.tokens.unfold(0, 8, 1)
    assert (pieces == sample.tokens[20 + lengths[0] : 28 + lengths[0]]).all(1).any()


def test_a_short_text_is_sampled_too() -> None:
    sample = sample_of(text(20), LENGTH)
    assert found(LEGAL["documents"], sample).passed
