"""Score-first SGD: a chunk is scored by weights that have not seen it, then learned from."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from golf.config.geometry import parse_geometry
from golf.config.schema.scoring import TTTConfig
from golf.data.validation import cut_windows
from golf.model.gpt import GPT
from golf.stages.chunks import ChunkSgd, split_chunks, whole_sequences
from golf.stages.evaluate import Evaluation
from golf.stages.world import World
from tests.stages.material import ALONE, LENGTH, on_ranks, scores, small_model, text

STREAM = text(400)
CONFIG = TTTConfig(method="sgd", lr=0.05, chunk_tokens=96, batch_tokens=64, epochs=2)
CHUNKED = parse_geometry("chunked")
SLIDING = parse_geometry("sliding8")
assert CHUNKED is not None
assert SLIDING is not None


def method(world: World = ALONE, model: GPT | None = None, **changes: object) -> ChunkSgd:
    config = replace(CONFIG, **changes)
    return ChunkSgd(model or small_model(), CHUNKED, LENGTH, config, world)


def by_hand(model: GPT, config: TTTConfig) -> Tensor:
    """Score and learn window by window, with the gradient of each batch in one go."""
    tokens, count = STREAM.tokens, STREAM.targets
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=config.momentum)
    chunks = math.ceil(count / config.chunk_tokens)
    nats: list[Tensor] = []
    for c in range(chunks):
        first, last = c * config.chunk_tokens, min((c + 1) * config.chunk_tokens, count)
        with torch.no_grad():
            for a in range(first, last, LENGTH):
                b = min(a + LENGTH, last)
                nats.append(model(tokens[None, a:b], tokens[None, a + 1 : b + 1])[0])
        if c == chunks - 1:
            break
        optimizer.param_groups[0]["lr"] = config.lr * (1 + math.cos(math.pi * c / (chunks - 1))) / 2
        rows = [(tokens[a : a + LENGTH], tokens[a + 1 : a + LENGTH + 1])
                for a in range(first, last - LENGTH + 1, LENGTH)]  # fmt: skip
        each = config.batch_tokens // LENGTH
        for start in [s for _ in range(config.epochs) for s in range(0, len(rows), each)]:
            inputs, targets = (
                torch.stack(t) for t in zip(*rows[start : start + each], strict=True)
            )
            optimizer.zero_grad()
            model(inputs, targets).mean().backward()
            clip_grad_norm_(model.parameters(), config.grad_clip)
            optimizer.step()
    return torch.cat(nats)


def test_it_equals_scoring_and_learning_by_hand() -> None:
    found = scores(method(), STREAM)
    torch.testing.assert_close(found, by_hand(small_model(), CONFIG), atol=1e-4, rtol=1e-4)
    still = scores(Evaluation(small_model(), CHUNKED, LENGTH), STREAM)
    assert torch.equal(found[:96], still[:96])
    assert not torch.allclose(found[96:], still[96:], atol=1e-2)


def test_a_rate_of_zero_gives_the_plain_scores() -> None:
    assert torch.equal(
        scores(method(lr=0.0), STREAM), scores(Evaluation(small_model(), CHUNKED, LENGTH), STREAM)
    )


@pytest.mark.parametrize("size", [2, 3])
def test_any_number_of_ranks_learns_the_same(size: int) -> None:
    alone = scores(method(), STREAM)
    for found in on_ranks(size, lambda w: scores(method(w), STREAM, w)):
        torch.testing.assert_close(found, alone, atol=1e-4, rtol=1e-4)


def test_sliding_windows_belong_to_the_chunk_of_their_first_target() -> None:
    config = replace(CONFIG, lr=0.0)
    sliding = ChunkSgd(small_model(), SLIDING, LENGTH, config, ALONE)
    plain = Evaluation(small_model(), SLIDING, LENGTH)
    torch.testing.assert_close(scores(sliding, STREAM), scores(plain, STREAM))


def test_frozen_blocks_stay_what_they_were() -> None:
    model, before = small_model(), dict(small_model().named_parameters())
    scores(method(model=model, freeze_blocks=1), STREAM)
    moved = {n for n, p in model.named_parameters() if not torch.equal(p, before[n])}
    assert not any(n.startswith("blocks.0.") for n in moved)
    assert {"embed_VC", "blocks.1.mlp.up.master"} <= moved
    assert all(p.requires_grad for p in model.parameters())


def test_every_second_chunk_teaches_nothing() -> None:
    every, second = (scores(method(update_every=n), STREAM) for n in (1, 2))
    assert torch.equal(every[:192], second[:192])
    assert not torch.equal(every[192:], second[192:])


def test_it_counts_the_steps_that_taught_it() -> None:
    steps = 2 * 2 * 4  # passes, batches of a chunk, chunks before the last
    for changes, updates in (({}, steps), ({"chunk_tokens": 512}, 0)):
        scorer = method(**changes)
        scores(scorer, STREAM)
        assert scorer.learned() == {"updates": updates}


def test_chunks_hold_every_window_in_order() -> None:
    windows = cut_windows(5000, 128, 32)
    chunks = split_chunks(windows, 512)
    assert [w for chunk in chunks for w in chunk] == windows
    assert all(len({w.scored // 512 for w in chunk}) == 1 for chunk in chunks)


def test_sequences_to_learn_from_stay_inside_their_chunk() -> None:
    rows = whole_sequences(96, 200, 32)
    assert [(row.windows[0].start, row.windows[0].end) for row in rows] == [
        (96, 128), (128, 160), (160, 192),
    ]  # fmt: skip
    assert whole_sequences(0, 31, 32) == []
