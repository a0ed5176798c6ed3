"""Adapters against a slow reference that follows one document at a time, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from golf.config.pauses import pauses
from golf.config.schema.scoring import LORA_TARGETS, TTTConfig
from golf.data.validation import ValidationStream
from golf.model.gpt import GPT
from golf.model.route import Slot
from golf.stages.adapters import TAPS, RowAdapters, adapter_shapes
from golf.stages.lora import DocumentLora, flat_rows, ordered
from golf.stages.world import World
from tests.stages.material import ALONE, LENGTH, on_ranks, scores, small_model, text

STREAM = text(40, 9, 75, 21, 5, 60)
CONFIG = TTTConfig(
    method="lora", lora_rank=3, lora_lr=0.02, lora_chunk=8, lora_batch=4, lora_alpha=6.0,
    weight_decay=0.5, phase_lr=0.05, phase_chunk_tokens=32, phase_batch_tokens=32,
)  # fmt: skip
LOOPED = {"loop_count": 1, "loop_start": 1, "loop_end": 1, "depth": 3}
TWO_LANES = {"parallel": "two_lane", "parallel_start": 1, "attn_gate": "out_gate"}


def method(world: World = ALONE, model: GPT | None = None, **changes: object) -> DocumentLora:
    return DocumentLora(model or small_model(), LENGTH, replace(CONFIG, **changes), 7, world)


def by_hand(model: GPT, document: Tensor, a_by_point: dict, config: TTTConfig) -> list[float]:
    """Follow one document, (n + 1,) tokens, with torch's own AdamW; return each target's nats."""
    shapes = adapter_shapes(model, config.lora_targets)
    a = {p: a_by_point[p].clone().requires_grad_() for p in shapes}
    b = {p: torch.zeros(n, config.lora_rank, requires_grad=True) for p, (_, n) in shapes.items()}
    optimizer = torch.optim.AdamW(
        [*a.values(), *b.values()], lr=config.lora_lr, betas=(config.beta1, config.beta2),
        eps=1e-10, weight_decay=config.weight_decay,
    )  # fmt: skip

    def tap(slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        point = (slot.index, name)
        if point not in a:
            return y
        return y + (config.lora_alpha / config.lora_rank) * F.linear(
            F.linear(x, a[point]), b[point]
        )

    nats: list[float] = []
    count = len(document) - 1
    for start in range(0, count, config.lora_chunk):
        end = min(start + config.lora_chunk, count)
        first = max(0, end - LENGTH)
        inputs, targets = document[first:end], document[first + 1 : end + 1]
        nll = model(inputs[None], targets[None], taps=(tap,))[0, start - first :]
        nats += nll.tolist()
        optimizer.zero_grad()
        nll.mean().backward()
        optimizer.step()
    return nats


def documents_by_hand(config: TTTConfig, model: GPT, stream: ValidationStream) -> Tensor:
    found = torch.zeros(stream.targets)
    documents = ordered(stream.documents(), config.order)
    draw = torch.Generator().manual_seed(7)
    for first in range(0, len(documents), config.lora_batch):
        lanes = documents[first : first + config.lora_batch]
        started = RowAdapters(
            adapter_shapes(model, config.lora_targets), len(lanes), config.lora_rank, 1.0,
            torch.device("cpu"),
        )  # fmt: skip
        started.draw(draw, len(lanes), range(len(lanes)))
        for lane, (start, stop) in enumerate(lanes):
            a_by_point = {p: a[lane] for p, a in started.a.items()}
            tokens = stream.tokens[start : stop + 1]
            found[start:stop] = torch.tensor(by_hand(model, tokens, a_by_point, config))
    return found


@pytest.mark.parametrize("order", ["longest", "file"])
@pytest.mark.parametrize("form", [{}, LOOPED, TWO_LANES], ids=["plain", "looped", "two lanes"])
def test_it_equals_following_one_document_at_a_time(form: dict, order: str) -> None:
    config = replace(CONFIG, order=order)
    fast = scores(method(model=small_model(**form), order=order), STREAM)
    slow = documents_by_hand(config, small_model(**form), STREAM)
    torch.testing.assert_close(fast, slow, atol=2e-4, rtol=1e-4)
    assert not torch.allclose(fast, scores(method(lora_lr=0.0), STREAM), atol=1e-2)


@pytest.mark.parametrize("targets", [("q", "v", "head"), ("o",), ("mlp", "k")])
def test_each_place_for_adapters_matters(targets: tuple[str, ...]) -> None:
    config = replace(CONFIG, lora_targets=targets)
    fast = scores(method(lora_targets=targets), STREAM)
    torch.testing.assert_close(
        fast, documents_by_hand(config, small_model(), STREAM), atol=2e-4, rtol=1e-4
    )
    assert not torch.allclose(fast, scores(method(), STREAM), atol=1e-3)


@pytest.mark.parametrize("form", [{}, LOOPED, TWO_LANES], ids=["plain", "looped", "two lanes"])
@torch.no_grad()
def test_adapters_at_zero_change_no_bit(form: dict) -> None:
    model = small_model(**form)
    adapters = RowAdapters(adapter_shapes(model, LORA_TARGETS), 3, 4, 1.5, torch.device("cpu"))
    adapters.draw(torch.Generator().manual_seed(0), 3, [0, 1, 2])
    adapters.use(3)
    tokens = torch.randint(4, 64, (3, LENGTH + 1), generator=torch.Generator().manual_seed(0))
    plain = model(tokens[:, :-1], tokens[:, 1:])
    assert torch.equal(model(tokens[:, :-1], tokens[:, 1:], taps=(adapters,)), plain)


def test_there_is_one_adapter_for_each_execution() -> None:
    shapes = adapter_shapes(small_model(**LOOPED), LORA_TARGETS)
    assert len(shapes) == 4 * 5 + 1  # four executions of three blocks, and the head
    assert {name for _, name in shapes} == set(TAPS.values())
    assert shapes[-1, "head"] == (32, 64)


def test_documents_do_not_know_each_other() -> None:
    alone, crowd = text(75), text(75, 40, 60, seed=0)
    assert torch.equal(alone.tokens[:75], crowd.tokens[:75])
    one = scores(method(lora_batch=1, order="file"), alone)
    many = scores(method(lora_batch=1, order="file"), crowd)
    torch.testing.assert_close(one[:74], many[:74], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("changes", [{}, {"warm_a": True, "lora_batch": 2}, {"phases": 2}])
def test_any_number_of_ranks_computes_the_same(changes: dict) -> None:
    changes = {**changes, "prefix_docs": 4}
    alone = scores(method(**changes), STREAM)
    for size in (2, 3):
        for found in on_ranks(size, lambda w: scores(method(w, **changes), STREAM, w)):
            torch.testing.assert_close(found, alone, atol=1e-3, rtol=1e-4)


def test_a_warm_a_changes_later_documents_only() -> None:
    cold, warm = (scores(method(warm_a=w, lora_batch=1, order="file"), STREAM) for w in (0, 1))
    assert torch.equal(cold[:40], warm[:40])
    assert not torch.allclose(cold[49:], warm[49:], atol=1e-4)


def test_a_pause_teaches_the_model_what_came_before_it() -> None:
    plain = scores(method(lora_batch=1), STREAM)
    model = small_model()
    weights = {n: p.clone() for n, p in model.named_parameters()}
    phased = scores(method(model=model, lora_batch=1, phases=1, prefix_docs=2), STREAM)
    documents = ordered(STREAM.documents(), "longest")
    for number, (first, stop) in enumerate(documents):
        same = torch.equal(plain[first:stop], phased[first:stop])
        assert same == (number < 2), number
    assert any(not torch.equal(p, weights[n]) for n, p in model.named_parameters())


def test_a_pause_is_one_pass_of_sgd_over_the_prefix() -> None:
    lora = method(lora_batch=2, phases=1, prefix_docs=2, phase_momentum=0.0, phase_grad_clip=0.0)
    reference = small_model()
    prefix = ordered(STREAM.documents(), "longest")[:2]  # 75 and 60 inputs: 4 rows, 4 chunks
    inputs = torch.cat([STREAM.tokens[a:b] for a, b in prefix])
    targets = torch.cat([STREAM.tokens[a + 1 : b + 1] for a, b in prefix])
    starts = torch.cat(
        [torch.arange(b - a) * 0 + s for (a, b), s in zip(prefix, (0, 75), strict=True)]
    )
    for row, rate in enumerate((1.0, 0.75, 0.25)):  # 0.5 (1 + cos(pi c / 3))
        some = slice(row * LENGTH, (row + 1) * LENGTH)
        begin = (starts[some] - row * LENGTH).clamp(min=0)
        loss = reference(inputs[None, some], targets[None, some], begin[None]).mean()
        gradients = torch.autograd.grad(loss, list(reference.parameters()))
        with torch.no_grad():
            for p, g in zip(reference.parameters(), gradients, strict=True):
                p -= 0.05 * rate * g
    scores(lora, STREAM)
    for p, q in zip(lora.model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(p, q, atol=1e-5, rtol=1e-4)


def test_pauses_divide_the_prefix() -> None:
    assert pauses(3, 2000, documents=50_000) == [666, 1333, 2000]
    assert pauses(3, 2000, documents=1000) == [666]
    assert pauses(1, 2000, documents=2000) == []
    assert pauses(2, None, documents=20) == [5, 10]
    assert pauses(0, None, documents=50_000) == []


@pytest.mark.parametrize(
    ("changes", "paused"),
    [
        ({}, 0),
        ({"phases": 2, "prefix_docs": 4}, 2),
        ({"phases": 1, "prefix_docs": 6}, 0),  # there is nothing after the last document
        ({"phases": 2, "prefix_docs": 2, "phase_chunk_tokens": 96}, 1),  # 2 rows fill no 2 chunks
    ],
)
def test_it_counts_the_steps_and_the_pauses_that_taught(changes: dict, paused: int) -> None:
    steps = sum(-(-n // 8) - 1 for n in (40, 9, 75, 21, 5, 60))

    def learned(world: World) -> Tensor:
        scorer = method(world, **changes)
        scores(scorer, STREAM, world)
        return torch.tensor([*scorer.learned().values()])

    for found in (learned(ALONE), *on_ranks(2, learned)):
        assert found.tolist() == [steps, paused]


def test_flat_rows_hold_every_whole_row_once() -> None:
    documents = [(0, 40), (40, 49), (49, 124)]
    rows = flat_rows(documents, 32)
    places = [p for row in rows for w in row.windows for p in range(w.scored, w.end)]
    assert places == list(range(124 // 32 * 32))
    assert all(sum(w.length for w in row.windows) == 32 for row in rows)
    assert [w.start for w in rows[1].windows] == [32, 40, 49]
