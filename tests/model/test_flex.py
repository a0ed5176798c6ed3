"""Flex attention: its masks against torch's own, and whole models in one graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.attention import flex_attention as torch_flex
from torch.nn.attention.flex_attention import create_block_mask

from golf.model import flex
from golf.model.flex import attend_flex, block_mask
from golf.model.gpt import GPT
from tests.model.test_attend import HEADS, attend_slowly, draw, starts_of
from tests.model.tools import build, draw_tokens, randomised

LISTS = [f"{full}{side}_{what}" for full in ("", "full_") for side in ("kv", "q")
         for what in ("num_blocks", "indices")]  # fmt: skip
LENGTH = 300

# Windows and grouped heads, packed documents and a factor per layer, a loop with a lane per branch.
MODELS: dict[str, tuple[int | None, dict[str, object]]] = {
    "windows": (None, {"window_pattern": "SL", "n_kv_head": 2, "value_residual": True}),
    "packed": (7, {"ln_scale": "norm_input", "skips": "gated"}),
    "looped": (3, {
        "loop_count": 1, "loop_start": 1, "loop_end": 1, "loop_lora_rank": 2,
        "window_pattern": "SL", "parallel": "two_lane", "parallel_start": 2,
    }),
}  # fmt: skip


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Graphs as Dynamo hands them over; they run as they are, on CPU too."""
    monkeypatch.setattr(torch_flex, "_validate_device", lambda *_: None)
    torch.compiler.reset()
    return []


def compiled(model: GPT, graphs: list[Any]) -> GPT:
    def catch(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    model.compile(backend=catch, dynamic=False, fullgraph=True)
    return model


@pytest.mark.parametrize("length", [1, 128, 384, 400])
@pytest.mark.parametrize("window", [None, 0, 128, 200])
@pytest.mark.parametrize("documents", [None, 1, 9])
@pytest.mark.parametrize("share", [1, 3])
def test_a_mask_has_the_blocks_that_torch_finds_by_asking_for_every_pair(
    length: int, window: int | None, documents: int | None, share: int
) -> None:
    queries, device = -(-length // share), torch.device("cpu")
    starts = None if documents is None else starts_of(length, documents, length)
    made = block_mask(queries, length, window, starts, device)
    batch = None if starts is None else len(starts)
    asked = create_block_mask(made.mask_mod, batch, None, queries, length, device="cpu")
    assert made.shape == asked.shape
    for name in LISTS:
        assert torch.equal(getattr(made, name), getattr(asked, name)), name


@HEADS
@pytest.mark.parametrize("window", [None, 100])
@pytest.mark.parametrize("documents", [None, 5])
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's own: not compiled
def test_it_equals_the_slow_form(
    monkeypatch: pytest.MonkeyPatch, heads: tuple[int, int], window: int | None,
    documents: int | None,
) -> None:  # fmt: skip
    monkeypatch.setattr(torch_flex, "_FLEX_ATTENTION_DISABLE_COMPILE_DEBUG", True)
    monkeypatch.setattr(flex, "_compiled", lambda: torch_flex.flex_attention)
    inputs = [x.detach() for x in draw(LENGTH, heads)]
    starts = None if documents is None else starts_of(LENGTH, documents, 1)
    expected = attend_slowly(*inputs, window, 0.3, starts)
    y = attend_flex(*inputs, window, 0.3, starts)
    torch.testing.assert_close(y.double(), expected, atol=2e-6, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", MODELS)
def test_a_model_is_one_graph_that_gives_what_tiles_give(graphs: list[Any], kind: str) -> None:
    documents, changes = MODELS[kind]
    tiled = randomised(build(LENGTH, **changes), 0.1)
    model = compiled(build(LENGTH, "flex", **changes), graphs)
    model.load_state_dict(tiled.state_dict())
    tokens = draw_tokens(LENGTH, 2)
    starts = None if documents is None else starts_of(LENGTH, documents, 3)
    for each in (model, tiled):
        each(tokens, tokens.roll(1, 1), starts).mean().backward()
    assert len(graphs) == 1
    for mine, theirs in zip(model.parameters(), tiled.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, atol=1e-5, rtol=1e-3)
    with torch.inference_mode():
        scored = model(tokens, tokens[:, -64:], starts, last=64)
        expected = tiled(tokens, tokens[:, -64:], starts, last=64)
    torch.testing.assert_close(scored, expected, atol=1e-4, rtol=1e-4)
    assert len(graphs) == 2


@pytest.mark.slow
def test_layers_with_the_same_window_share_a_mask(
    graphs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[int, int, int | None]] = []

    def noted(queries: int, keys: int, window: int | None, *rest: Any) -> Any:
        made.append((queries, keys, window))
        return block_mask(queries, keys, window, *rest)

    monkeypatch.setattr(flex, "block_mask", noted)
    model = compiled(build(LENGTH, "flex", window_pattern="SL", depth=4), graphs)
    tokens, starts = draw_tokens(LENGTH, 2), starts_of(LENGTH, 4, 0)
    with torch.inference_mode():
        model(tokens, tokens, starts)
    assert made == [(LENGTH, LENGTH, 150), (LENGTH, LENGTH, LENGTH - 1)]


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # torch's own
@HEADS
@pytest.mark.parametrize("window", [None, 1, 128, 200])
@pytest.mark.parametrize("documents", [None, 5])
@pytest.mark.parametrize("is_compiled", [True, False])
def test_on_a_gpu_it_equals_the_slow_form(
    heads: tuple[int, int], window: int | None, documents: int | None, is_compiled: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 384, n, 32) for n in (heads[0], heads[1], heads[1])]
    inputs = [torch.randn(s, generator=generator).cuda().bfloat16() for s in shapes]
    starts = None if documents is None else starts_of(384, documents, 0)
    attend = torch.compile(attend_flex, fullgraph=True) if is_compiled else attend_flex
    y = attend(*inputs, window, 32**-0.5, None if starts is None else starts.cuda())
    expected = attend_slowly(*(x.cpu() for x in inputs), window, None, starts)
    torch.testing.assert_close(y.double().cpu(), expected, atol=0.03, rtol=0.02)


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # torch's own
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("is_compiled", [True, False])
def test_on_a_gpu_a_whole_model_is_one_graph_that_gives_what_masks_give(
    kind: str, is_compiled: bool
) -> None:
    """Heads of 32 channels: the least that the kernels take is 16."""
    documents, changes = MODELS[kind]
    changes = {"model_dim": 128, "head_dim": 32, **changes}
    plain = randomised(build(LENGTH, "sdpa", "bfloat16", **changes), 0.1).cuda()
    model = build(LENGTH, "flex", "bfloat16", **changes).cuda()
    model.load_state_dict(plain.state_dict())
    if is_compiled:
        model.compile(dynamic=False, fullgraph=True)
    tokens = draw_tokens(LENGTH, 2).cuda()
    starts = None if documents is None else starts_of(LENGTH, documents, 3).cuda()
    nll = [each(tokens, tokens.roll(1, 1), starts) for each in (model, plain)]
    torch.testing.assert_close(nll[0], nll[1], atol=0.1, rtol=0.05)
    for each in nll:
        each.mean().backward()
    for mine, theirs in zip(model.parameters(), plain.parameters(), strict=True):
        apart = (mine.grad - theirs.grad).norm()
        assert apart <= 0.1 * theirs.grad.norm() + 1e-6
    with torch.inference_mode():
        scored = [each(tokens, tokens[:, -64:], starts, last=64) for each in (model, plain)]
    torch.testing.assert_close(scored[0], scored[1], atol=0.1, rtol=0.05)
