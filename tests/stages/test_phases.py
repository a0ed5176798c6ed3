"""Phases: when they begin, that compiled models notice them, and what growing carries over."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from golf.config.schema.model import ModelConfig
from golf.config.schema.train import OptimConfig, TrainConfig
from golf.model.gpt import GPT, build_gpt
from golf.optim.schedule import Progress, Rates
from golf.quant.grid import quantize_rows
from golf.stages.learner import Learner
from golf.stages.phases import Phase, build_phases, show
from golf.stages.world import World

VOCAB, SEQ_LEN = 48, 16
WORLD = World(0, 1, torch.device("cpu"))
MODEL = ModelConfig(depth=5, model_dim=32, head_dim=16, n_kv_head=1, mlp_mult=2.0)
TRAIN = TrainConfig(steps=10, qat_clip_sigmas=3.0)


def build(config: ModelConfig, seed: int = 0) -> GPT:
    torch.manual_seed(seed)
    model = build_gpt(config, VOCAB, SEQ_LEN, "tiles", "float32")
    for p in model.parameters():
        p.data.normal_(0.0, 0.2)
    return model


def tokens(seed: int = 1) -> Tensor:
    return torch.randint(0, VOCAB, (2, SEQ_LEN), generator=torch.Generator().manual_seed(seed))


def starts(phases: list[Phase]) -> list[tuple[float, int, int, int | None]]:
    return [(p.start, p.depth, p.loops, p.fake_bits) for p in phases]


def test_without_points_there_is_one_phase() -> None:
    assert starts(build_phases(MODEL, TRAIN)) == [(0.0, 5, 0, None)]


def test_phases_add_up_in_the_order_of_their_points() -> None:
    model = replace(MODEL, loop_count=2, loop_start=1, loop_end=2)
    train = replace(TRAIN, grow_from=3, grow_at=0.6, loop_at=0.35, qat_bits=6, qat_at=0.9)
    assert starts(build_phases(model, train)) == [
        (0.0, 3, 0, None),
        (0.35, 3, 2, None),
        (0.6, 5, 2, None),
        (0.9, 5, 2, 6),
    ]


def test_a_loop_from_the_start_is_no_phase_of_its_own() -> None:
    model = replace(MODEL, loop_count=1)
    assert starts(build_phases(model, TRAIN)) == [(0.0, 5, 1, None)]


@pytest.mark.parametrize("phase", [Phase(0.5, 5, 1), Phase(0.5, 5, 0, 3)], ids=["loop", "qat"])
def test_a_compiled_model_runs_the_phase_that_it_is_shown(phase: Phase) -> None:
    model = build(replace(MODEL, loop_count=1, loop_start=1, loop_end=2))
    show(model, Phase(0.0, 5, 0), TRAIN)
    compiled = torch.compile(model, backend="eager", dynamic=False)
    with torch.no_grad():
        before = compiled(tokens(), tokens(2))
        show(model, phase, TRAIN)
        after, eager = compiled(tokens(), tokens(2)), model(tokens(), tokens(2))
        show(model, Phase(0.0, 5, 0), TRAIN)
        again = compiled(tokens(), tokens(2))
    assert not torch.equal(before, after)
    assert torch.equal(after, eager)
    assert torch.equal(before, again)


def test_fake_weights_are_those_of_the_export_and_pass_gradients_on() -> None:
    model = build(MODEL)
    show(model, Phase(0.0, 5, 0, 4), TRAIN)
    q = model.blocks[0].attention.q
    expected = quantize_rows(q.master, 4, 3.0).dequantize()
    torch.testing.assert_close(q.weight(), expected, atol=1e-6, rtol=1e-5)
    weights = torch.randn(q.master.shape, generator=torch.Generator().manual_seed(3))
    (q.weight() * weights).sum().backward()
    assert torch.equal(q.master.grad, weights)


def learner(depth: int, train: TrainConfig, seed: int) -> Learner:
    model = build(replace(MODEL, depth=depth), seed)
    return Learner(model, train, OptimConfig(muon_momentum_steps=0), WORLD)


def stepped(train: TrainConfig) -> Learner:
    """Return a learner of two blocks after three steps."""
    small = learner(2, train, 0)
    for step in range(3):
        small.model(tokens(), tokens(2)).mean().backward()
        small.update(Progress(step, step / 10, 0.1), Rates(1.0, 0.9))
    return small


@pytest.mark.parametrize(
    ("grow_map", "blocks"), [("interleave", [0, 0, 0, 1, 1]), ("stack", [0, 1, 0, 1, 0])]
)
def test_a_grown_model_copies_weights_averages_and_optimizer_state(
    grow_map: str, blocks: list[int]
) -> None:
    train = replace(TRAIN, grow_from=2, grow_map=grow_map, ema_decay=0.9)
    small, grown = stepped(train), learner(5, train, 1)
    grown.grow_from(small)
    theirs, mine = small.state(), grown.state()
    for layer, source in enumerate(blocks):
        for part in ("model.blocks.{}.mlp.up.master", "optim.blocks.{}.mlp.up.master:momentum",
                     "average.sum.blocks.{}.attention.q.master"):  # fmt: skip
            assert torch.equal(mine[part.format(layer)], theirs[part.format(source)])
    assert torch.equal(mine["model.embed_VC"], theirs["model.embed_VC"])
    assert torch.equal(mine["optim.embed_VC:exp_avg"], theirs["optim.embed_VC:exp_avg"])
    assert mine["average.count"] == 3


def test_optimizer_state_can_be_left_behind() -> None:
    train = replace(TRAIN, grow_from=2, grow_state="reset")
    grown = learner(5, train, 1)
    grown.grow_from(stepped(train))
    assert not [name for name in grown.state() if name.startswith("optim.")]


def test_blocks_that_add_nothing_keep_the_function() -> None:
    train = replace(TRAIN, grow_from=2, grow_zero=True)
    small, grown = stepped(train), learner(5, train, 1)
    grown.grow_from(small)
    with torch.no_grad():
        torch.testing.assert_close(
            grown.model.logits(tokens()), small.model.logits(tokens()), atol=1e-5, rtol=1e-5
        )


def test_skip_weights_without_a_counterpart_start_afresh_also_in_the_average() -> None:
    train = replace(TRAIN, grow_from=2, ema_decay=0.9)
    optim = OptimConfig(muon_momentum_steps=0)
    models = [build(replace(MODEL, depth=d, skips="plain"), d) for d in (2, 5)]
    small, grown = (Learner(m, train, optim, WORLD) for m in models)
    small.model(tokens(), tokens(2)).mean().backward()
    small.update(Progress(0, 0.0, 0.1), Rates(1.0, 0.9))
    fresh = grown.parameters["skips.weights_SC"].detach().clone()
    grown.grow_from(small)
    assert torch.equal(grown.parameters["skips.weights_SC"], fresh)
    average = grown.average.result(grown.parameters)
    torch.testing.assert_close(average["skips.weights_SC"], fresh)
    torch.testing.assert_close(average["embed_VC"], grown.parameters["embed_VC"].detach())


def test_undone_takes_back_every_bit() -> None:
    train = replace(TRAIN, ema_decay=0.9)
    one = stepped(train)
    before = {n: t.clone() for n, t in one.state().items()}
    with one.undone():
        one.model(tokens(), tokens(2)).mean().backward()
        one.update(Progress(3, 0.3, 0.1), Rates(1.0, 0.9))
    after = one.state()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[n], after[n]) for n in before)
