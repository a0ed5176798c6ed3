"""Every geometry equals one window at a time; a score stands once; sums do not know ranks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from golf.config.geometry import parse_geometry
from golf.config.schema.scoring import EvalConfig
from golf.config.tokens import BOS
from golf.data.prepare import Prepared
from golf.data.validation import ValidationStream
from golf.model.gpt import GPT
from golf.stages.evaluate import Evaluation
from golf.stages.scoring import ScoreSheet, summarize
from golf.stages.weights import stretched
from tests.stages.material import ALONE, LENGTH, on_ranks, scores, small_model, text

GEOMETRIES = ["chunked", "sliding8", "sliding5", "sliding32", "documents", "documents8"]
STREAM = text(70, 9, 33, 5, 14, 32, 100, 3, 21)


def evaluation(model: GPT, name: str, length: int = LENGTH) -> Evaluation:
    geometry = parse_geometry(name)
    assert geometry is not None
    return Evaluation(model, geometry, length)


@torch.no_grad()
def one_at_a_time(model: GPT, stream: ValidationStream, name: str) -> Tensor:
    """Score each target from the inputs that the geometry's definition gives it."""
    stride = int("".join(c for c in name if c.isdigit()) or LENGTH)
    edges = [i for i, t in enumerate(stream.tokens.tolist()) if t == BOS]
    if not name.startswith("documents"):
        edges = [0, stream.targets]
    nats = torch.zeros(stream.targets)
    for place in range(stream.targets):
        first = max(e for e in edges if e <= place)
        behind = place - first  # inputs of this text before the one that predicts
        past = 0 if behind < LENGTH else (behind - LENGTH) // stride + 1
        window = stream.tokens[first + past * stride : place + 1]
        log_p = model.logits(window[None])[0, -1].double().log_softmax(0)
        nats[place] = -log_p[stream.tokens[place + 1]]
    return nats


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("windows", ["L", "SL"])
def test_a_geometry_equals_one_window_at_a_time(name: str, windows: str) -> None:
    model = small_model(window_pattern=windows)
    slow = one_at_a_time(model, STREAM, name)
    fast = scores(evaluation(model, name), STREAM)
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["documents", "documents8"])
def test_parts_that_read_the_token_before_stay_inside_documents(name: str) -> None:
    model = small_model(smear="v2", smear_width=8, bigram_buckets=32, bigram_dim=8,
                        bigram_bos_mask=True)  # fmt: skip
    slow = one_at_a_time(model, STREAM, name)
    torch.testing.assert_close(scores(evaluation(model, name), STREAM), slow, atol=1e-5, rtol=1e-5)


def test_more_context_is_what_sliding_gives() -> None:
    model = small_model()
    chunked, sliding = (scores(evaluation(model, n), STREAM) for n in ("chunked", "sliding8"))
    assert torch.allclose(chunked[:LENGTH], sliding[:LENGTH], atol=1e-5)
    assert not torch.allclose(chunked[LENGTH:], sliding[LENGTH:], atol=1e-3)


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", ["sliding8", "documents"])
def test_any_number_of_ranks_gives_the_same_scores(name: str, size: int) -> None:
    alone = scores(evaluation(small_model(), name), STREAM)
    shared = on_ranks(size, lambda w: scores(evaluation(small_model(), name), STREAM, w))
    for found in shared:
        torch.testing.assert_close(found, alone, atol=1e-6, rtol=1e-6)


def test_a_target_has_one_score() -> None:
    sheet = ScoreSheet(4, ALONE)
    sheet.add(torch.tensor([[1.0, 2.0, 9.0]]), torch.tensor([[0, 1, -1]]))
    with pytest.raises(ArithmeticError, match="scored twice"):
        sheet.add(torch.tensor([[3.0]]), torch.tensor([[1]]))
    with pytest.raises(ArithmeticError, match="scored twice"):
        sheet.add(torch.tensor([[3.0, 3.0]]), torch.tensor([[2, 2]]))
    with pytest.raises(ArithmeticError, match="2 of 4 targets not scored once"):
        sheet.close()
    assert sheet.nats.tolist() == [1.0, 2.0, 0.0, 0.0]


def test_two_ranks_that_score_one_target_are_found_out() -> None:
    def both(world):
        sheet = ScoreSheet(2, world)
        sheet.add(torch.ones(2), torch.arange(2))
        with pytest.raises(ArithmeticError, match="2 of 2"):
            sheet.close()
        return sheet.times

    on_ranks(2, both)


def test_only_scored_targets_may_be_learned_from() -> None:
    sheet = ScoreSheet(3, ALONE)
    sheet.add(torch.ones(2), torch.tensor([0, 2]))
    sheet.require_scored(torch.tensor([0, 2]))
    with pytest.raises(ArithmeticError, match="before it is scored"):
        sheet.require_scored(torch.tensor([0, 1]))


def test_what_another_rank_scored_may_be_learned_from() -> None:
    def half(world):
        sheet = ScoreSheet(2, world)
        sheet.add(torch.ones(1), torch.tensor([world.rank]))
        sheet.require_scored(torch.arange(2))
        with pytest.raises(ArithmeticError):
            sheet.require_scored(torch.arange(2), everywhere=False)
        return sheet.times

    on_ranks(2, half)


def summary(convention: str) -> tuple[dict[str, float], Tensor]:
    sheet = ScoreSheet(STREAM.targets, ALONE)
    nats = torch.rand(STREAM.targets, generator=torch.Generator().manual_seed(0))
    sheet.add(nats, torch.arange(STREAM.targets))
    raw = int(STREAM.token_bytes[1:].sum())
    dataset = Prepared([], [], [], 64, "exact", 0, len(STREAM.tokens), raw, "")
    return summarize(sheet, STREAM, dataset, EvalConfig(convention=convention)), nats


def test_both_conventions_count_the_same_bytes_but_not_the_same_targets() -> None:
    every, nats = summary("all_targets")
    some, _ = summary("skip_special")
    ordinary = STREAM.tokens[1:] != BOS
    assert every["scored_targets"] - some["scored_targets"] == int((~ordinary).sum()) == 9
    assert every["scored_bytes"] == some["scored_bytes"] == int(ordinary.sum())
    per_byte = math.log(2) * every["scored_bytes"]
    assert every["bpb"] == pytest.approx(float(nats.double().sum()) / per_byte, rel=1e-12)
    assert some["bpb"] == pytest.approx(float(nats[ordinary].double().sum()) / per_byte, rel=1e-12)


def test_bytes_that_are_not_the_texts_stop_the_run() -> None:
    sheet = ScoreSheet(STREAM.targets, ALONE)
    dataset = Prepared([], [], [], 64, "exact", 0, len(STREAM.tokens), 1, "")
    with pytest.raises(ArithmeticError, match="bytes, 1 in the text"):
        summarize(sheet, STREAM, dataset, EvalConfig())


def test_a_longer_window_keeps_short_attention_and_stretches_positions() -> None:
    settings = {"train.seq_len": 96, "model.short_window": 0.3, "model.window_pattern": "SL"}
    for length in (32, 100, 1000):
        again = stretched(settings, length, "none")
        assert int(length * again["model.short_window"]) == int(96 * 0.3)
        assert "model.rope_train_len" not in again
    assert stretched(settings, 200, "ntk")["model.rope_train_len"] == 96
    trained_so = {**settings, "model.rope_train_len": 48, "model.rope_scaling": "yarn"}
    kept = stretched(trained_so, 200, "ntk")
    assert (kept["model.rope_train_len"], kept["model.rope_scaling"]) == (48, "yarn")


def test_windows_of_any_length_score_what_a_model_of_that_length_would() -> None:
    longer = small_model(length=2 * LENGTH)
    stream = text(200)
    found = scores(evaluation(longer, "chunked", 2 * LENGTH), stream)
    with torch.no_grad():
        plain = longer(stream.tokens[None, : 2 * LENGTH], stream.tokens[None, 1 : 2 * LENGTH + 1])
    torch.testing.assert_close(found[: 2 * LENGTH], plain[0], atol=1e-5, rtol=1e-5)
