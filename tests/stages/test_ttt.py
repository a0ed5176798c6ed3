"""Test-time training is legal: a token is scored before any weight has seen it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from golf.data.validation import ValidationStream, Window, cut_windows
from golf.records import read_result
from golf.stages import ttt
from golf.stages.context import Bench, Context
from golf.stages.scoring import Tally
from golf.stages.weights import load_model
from tests.conftest import TINY, Project

ADAPTING = {**TINY, "ttt.lr": 0.05, "ttt.epochs": 2}


def adaptation(project: Project) -> tuple[ttt.Adaptation, Context]:
    node = project.plan(ADAPTING).cells[0].ttt
    assert node is not None
    project.run(node.weights)
    here = Context(node.record({}), project.files(node).folder, project.world, Bench())
    return ttt.Adaptation(here, load_model(here)), here


class Recorder(ttt.Adaptation):
    """Keeps every score and checks that nothing is learned before it was scored."""

    def __init__(self, context: Context, stream: ValidationStream) -> None:
        super().__init__(context, load_model(context))
        self.stream = stream
        self.scored = torch.zeros(stream.targets, dtype=torch.bool)
        self.nll = torch.zeros(stream.targets, dtype=torch.float64)

    def score(self, stream: ValidationStream, chunk: list[Window], tally: Tally) -> None:
        super().score(stream, chunk, tally)
        for window in chunk:
            places = slice(window.scored, window.end)
            assert not self.scored[places].any(), "scored twice"
            with torch.no_grad():
                inputs = stream.tokens[window.start : window.end][None]
                targets = stream.tokens[window.start + 1 : window.end + 1][None]
                nll = self.model(inputs, targets)[0]
            self.nll[places] = nll[window.scored - window.start :].double()
            self.scored[places] = True

    def _batches(
        self, stream: ValidationStream, chunk: list[Window]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        for inputs, targets in super()._batches(stream, chunk):
            for row in targets:
                place = self._place_of(row, chunk[0].scored)
                assert self.scored[place : place + len(row)].all(), "learned before scored"
            yield inputs, targets

    def _place_of(self, row: Tensor, start: int) -> int:
        windows = self.stream.tokens[start + 1 :].unfold(0, len(row), 1)
        return start + int((windows == row).all(1).nonzero()[0])


def adapt(context: Context, stream: ValidationStream) -> Recorder:
    recorder = Recorder(context, stream)
    chunks = ttt.split_chunks(cut_windows(stream.targets, 128, 128), 512)
    tally = Tally.empty(torch.device("cpu"))
    for number, chunk in enumerate(chunks):
        recorder.score(stream, chunk, tally)
        if number + 1 < len(chunks):
            recorder.learn(stream, chunk, number / len(chunks))
    return recorder


def test_each_target_is_scored_once_and_before_it_is_learned_from(project: Project) -> None:
    _, here = adaptation(project)
    recorder = adapt(here, ValidationStream(here.dataset, 2048))
    assert recorder.scored.all()


@pytest.mark.parametrize("place", [100, 512, 513, 1000, 1535])
def test_a_score_does_not_depend_on_later_tokens(project: Project, place: int) -> None:
    _, here = adaptation(project)
    stream, noisy = (ValidationStream(here.dataset, 2048) for _ in range(2))
    noise = torch.Generator().manual_seed(place)
    later = noisy.tokens[place + 2 :]
    noisy.tokens[place + 2 :] = torch.randint(0, 384, later.shape, generator=noise)
    calm, upset = adapt(here, stream), adapt(here, noisy)
    assert torch.equal(calm.nll[: place + 1], upset.nll[: place + 1])
    assert not torch.equal(calm.nll[place + 2 :], upset.nll[place + 2 :])


def test_learning_before_scoring_would_be_noticed(project: Project) -> None:
    _, here = adaptation(project)
    stream = ValidationStream(here.dataset, 2048)
    recorder = Recorder(here, stream)
    chunks = ttt.split_chunks(cut_windows(stream.targets, 128, 128), 512)
    with pytest.raises(AssertionError, match="learned before scored"):
        recorder.learn(stream, chunks[0], 0.0)


def test_the_first_chunk_is_scored_by_the_artifact_as_it_is(project: Project) -> None:
    plain, here = adaptation(project)
    stream = ValidationStream(here.dataset, 2048)
    recorder = adapt(here, stream)
    fresh = load_model(Context(here.node, here.folder, here.world, Bench()))
    with torch.no_grad():
        nll = fresh(stream.tokens[:512].view(4, 128), stream.tokens[1:513].view(4, 128))
    torch.testing.assert_close(recorder.nll[:512], nll.flatten().double(), atol=1e-5, rtol=1e-5)
    assert plain.config.epochs == 2


def test_a_rate_of_zero_gives_the_post_quant_score(project: Project) -> None:
    cell = project.plan({**ADAPTING, "ttt.lr": 0.0}).cells[0]
    assert cell.ttt is not None
    project.run(cell.post["chunked"], cell.ttt)
    post, adapted = (read_result(project.files(n)) for n in (cell.post["chunked"], cell.ttt))
    assert post is not None
    assert adapted is not None
    assert adapted.measures["bpb"] == pytest.approx(post.measures["bpb"], rel=1e-7)


def test_learning_from_the_text_helps(project: Project) -> None:
    cell = project.plan({**ADAPTING, "eval.max_tokens": 8192}).cells[0]
    assert cell.ttt is not None
    project.run(cell.post["chunked"], cell.ttt)
    post, adapted = (read_result(project.files(n)) for n in (cell.post["chunked"], cell.ttt))
    assert post is not None
    assert adapted is not None
    assert adapted.measures["bpb"] < post.measures["bpb"]


def test_chunks_hold_every_window_in_order() -> None:
    windows = cut_windows(5000, 128, 32)
    chunks = ttt.split_chunks(windows, 512)
    assert [w for chunk in chunks for w in chunk] == windows
    assert all(len({w.scored // 512 for w in chunk}) == 1 for chunk in chunks)
