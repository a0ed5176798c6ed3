"""Taps along the stream: where they fire, what they see, and that they can replace it."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from golf.model.route import HEAD_SLOT, Slot
from tests.model.tools import build, draw_tokens, randomised

PER_SLOT = Counter({"q": 1, "k": 1, "v": 1, "out": 1, "up": 1, "down": 1, "attn": 1, "mlp": 1})
EVERYTHING = {
    "depth": 5, "loop_count": 2, "loop_start": 1, "loop_end": 2, "parallel": "two_lane",
    "parallel_start": 3, "skips": "gated", "x0_mix": "channel", "branch_scale": True,
    "attn_gate": "out_gate", "xsa": "all", "value_embed": "all", "smear": "v2", "backout": 0.2,
}  # fmt: skip


class Recorder:
    """A tap that remembers and returns y."""

    def __init__(self) -> None:
        self.seen: list[tuple[Slot, str, Tensor, Tensor]] = []

    def __call__(self, slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        self.seen.append((slot, name, x, y))
        return y


@pytest.mark.parametrize(
    "changes",
    [{}, {"mlp_act": "swiglu"}, {"parallel": "one_stream"}, EVERYTHING,
     {**EVERYTHING, "loop_lora_rank": 2}],
    ids=["plain", "swiglu", "one stream", "everything", "with adapters"],
)  # fmt: skip
def test_every_point_is_passed_once_per_execution(changes: dict[str, object]) -> None:
    model, tap = randomised(build(**changes)), Recorder()
    model.logits(draw_tokens(), taps=(tap,))
    points = PER_SLOT + Counter({"gate": 1} if changes.get("mlp_act") == "swiglu" else {})
    for slot in model.route:
        assert Counter(n for s, n, _, _ in tap.seen if s == slot) == points
    assert Counter(n for s, n, _, _ in tap.seen if s == HEAD_SLOT) == {"head": 1}
    assert len(tap.seen) == len(model.route) * points.total() + 1


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["plain", "everything"])
def test_a_tap_that_returns_what_it_was_given_changes_no_bit(changes: dict[str, object]) -> None:
    model, tokens = randomised(build(**changes)), draw_tokens(batch=2)
    losses, grads = [], []
    for taps in ((), (Recorder(),)):
        model.zero_grad()
        loss = model(tokens, tokens.roll(1, 1), taps=taps)
        loss.mean().backward()
        losses.append(loss.detach())
        grads.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert torch.equal(*losses)
    assert len(grads[0]) == len(grads[1]) and all(map(torch.equal, *grads))


def test_a_tap_sees_what_a_map_read_and_what_it_gave() -> None:
    model, tap, tokens = randomised(build(**EVERYTHING)), Recorder(), draw_tokens()
    logits = model.logits(tokens, taps=(tap,))
    maps = {"q", "k", "v", "out", "up", "down"}
    for slot, name, x, y in tap.seen:
        if name in maps:
            block = model.blocks[slot.layer]
            part = getattr(block.mlp if name in ("up", "down") else block.attention, name)
            assert torch.equal(y, x @ part.master.T)
    _, name, x, y = tap.seen[-1]
    assert name == "head"
    torch.testing.assert_close(y, x @ model.embed_VC.T)
    assert torch.equal(y, logits)  # no cap here


def test_the_input_of_a_branch_is_what_its_first_maps_read() -> None:
    model, tap = randomised(build(ln_scale="norm_input")), Recorder()
    model.logits(draw_tokens(), taps=(tap,))
    read = {(s.layer, n): x for s, n, x, _ in tap.seen}
    for layer in range(3):
        assert torch.equal(read[layer, "q"], read[layer, "attn"])
        assert torch.equal(read[layer, "v"], read[layer, "attn"])
        assert torch.equal(read[layer, "up"], read[layer, "mlp"])
        scale = read[layer, "q"].square().mean(-1)
        torch.testing.assert_close(scale, torch.full_like(scale, 1 / (layer + 1)))


@pytest.mark.parametrize("point", ["q", "k", "v", "out", "up", "down", "attn", "mlp", "head"])
def test_what_a_tap_returns_goes_on_in_place_of_the_output(point: str) -> None:
    model, tokens = randomised(build()), draw_tokens()

    def zero(slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        return torch.zeros_like(y) if name == point and slot.layer in (0, -1) else y

    changed = model.logits(tokens, taps=(zero,))
    if point == "head":
        assert not changed.any()
    elif point in ("attn", "mlp"):
        part = model.blocks[0].attention.out if point == "attn" else model.blocks[0].mlp.down
        part.master.data.zero_()
        torch.testing.assert_close(changed, model.logits(tokens))
    else:
        home = model.blocks[0].mlp if point in ("up", "down") else model.blocks[0].attention
        getattr(home, point).master.data.zero_()
        torch.testing.assert_close(changed, model.logits(tokens))


def test_taps_run_in_order_each_on_what_the_one_before_left() -> None:
    def double(slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        return 2 * y if name == "head" else y

    model, tap = randomised(build()), Recorder()
    plain = model.logits(draw_tokens())
    doubled = model.logits(draw_tokens(), taps=(double, tap))
    torch.testing.assert_close(doubled, 2 * plain)
    assert torch.equal(tap.seen[-1][3], doubled)


def test_a_tap_comes_after_the_models_own_adapters() -> None:
    model, tap = randomised(build(**EVERYTHING, loop_lora_rank=2)), Recorder()
    model.logits(draw_tokens(), taps=(tap,))
    slot, name, x, y = tap.seen[0]
    assert (slot.index, name) == (0, "q")
    delta = model.adapters[0](slot, name, x, torch.zeros_like(y))
    assert delta.any()
    torch.testing.assert_close(y, model.blocks[0].attention.q(x) + delta)
