"""Every kind of attention against one query at a time, in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.model.attend import Attend, attend_sdpa, attend_tiles

KINDS = pytest.mark.parametrize("attend", [attend_tiles, attend_sdpa])
HEADS = pytest.mark.parametrize("heads", [(4, 4), (4, 2), (4, 1)], ids=["MHA", "GQA", "MQA"])


def attend_slowly(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    window: int | None,
    scale: float | None = None,
    starts: Tensor | None = None,
) -> Tensor:
    """Attend one text and one query at a time in float64."""
    q, k, v = (x.double() for x in (q, k, v))
    group, scale = q.size(2) // k.size(2), scale or q.size(-1) ** -0.5
    key_head = torch.tensor([h // group for h in range(q.size(2))])
    k, v = k[:, :, key_head], v[:, :, key_head]
    outputs = torch.zeros_like(q)
    for b in range(q.size(0)):
        for i in range(q.size(1)):
            low = 0 if window is None else max(0, i - window)
            low = low if starts is None else max(low, int(starts[b, i]))
            scores = (q[b, i, None] * k[b, low : i + 1]).sum(-1) * scale
            weights = scores.exp() / scores.exp().sum(0, keepdim=True)
            outputs[b, i] = (weights[..., None] * v[b, low : i + 1]).sum(0)
    return outputs


def run(attend: Attend, q: Tensor, k: Tensor, v: Tensor, window: int | None) -> Tensor:
    """Attend across documents with the usual scale."""
    return attend(q, k, v, window, q.size(-1) ** -0.5, None)


def draw(length: int, heads: tuple[int, int], seed: int = 0, batch: int = 2) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(batch, length, n, 8) for n in (heads[0], heads[1], heads[1])]
    return [torch.randn(s, generator=generator, requires_grad=True) for s in shapes]


def assert_values_and_gradients(y: Tensor, expected: Tensor, inputs: list[Tensor]) -> None:
    """Assert that two results of ``inputs`` agree, and the gradients of a random direction."""
    torch.testing.assert_close(y.double(), expected, atol=2e-6, rtol=1e-5)
    toward = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    slow = torch.autograd.grad((expected * toward).sum(), inputs)
    fast = torch.autograd.grad((y * toward).sum(), inputs)
    torch.testing.assert_close(fast, slow, atol=1e-5, rtol=1e-4)


@KINDS
@pytest.mark.parametrize("length", [1, 31, 32, 33, 127, 128, 129, 300, 520])
@pytest.mark.parametrize("window", [None, "half", 1, 37])
def test_it_equals_attending_one_query_at_a_time(
    attend: Attend, length: int, window: int | str | None
) -> None:
    reach = length // 2 if isinstance(window, str) else window
    q, k, v = draw(length, (4, 2))
    expected = attend_slowly(q, k, v, reach)
    torch.testing.assert_close(run(attend, q, k, v, reach).double(), expected, atol=2e-6, rtol=1e-5)


@KINDS
@HEADS
@pytest.mark.parametrize("window", [None, 40])
def test_values_and_gradients_hold_for_shared_key_heads(
    attend: Attend, heads: tuple[int, int], window: int | None
) -> None:
    inputs = draw(135, heads)
    assert_values_and_gradients(
        run(attend, *inputs, window), attend_slowly(*inputs, window), inputs
    )


@KINDS
@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(1, 280),
    window=st.none() | st.integers(0, 300),
    heads=st.sampled_from([(1, 1), (2, 1), (6, 3)]),
    seed=st.integers(0, 9),
)
def test_any_length_and_window_equals_the_slow_form(
    attend: Attend, length: int, window: int | None, heads: tuple[int, int], seed: int
) -> None:
    q, k, v = draw(length, heads, seed, batch=1)
    expected = attend_slowly(q, k, v, window)
    torch.testing.assert_close(
        run(attend, q, k, v, window).double(), expected, atol=3e-6, rtol=1e-5
    )


@KINDS
@pytest.mark.parametrize("window", [0, 1, 5, 130])
def test_a_query_sees_itself_and_so_many_keys_before_it(attend: Attend, window: int) -> None:
    length = 200
    q, k = torch.zeros(1, length, 1, length), torch.randn(1, length, 1, length)
    v = torch.eye(length).view(1, length, 1, length)  # equal scores: row i shows what i saw
    seen = run(attend, q, k, v, window)[0, :, 0] > 0
    i = torch.arange(length)
    assert torch.equal(seen, (i[None] <= i[:, None]) & (i[:, None] - i[None] <= window))


@KINDS
@pytest.mark.parametrize("window", [None, 5])
def test_bfloat16_stays_bfloat16_and_close(attend: Attend, window: int | None) -> None:
    q, k, v = (x.detach().bfloat16() for x in draw(150, (4, 2)))
    y = run(attend, q, k, v, window)
    assert y.dtype == torch.bfloat16
    expected = attend_slowly(q, k, v, window)
    torch.testing.assert_close(y.double(), expected, atol=0.03, rtol=0.02)


@KINDS
def test_scoring_first_does_not_break_learning_afterwards(attend: Attend) -> None:
    q, k, v = draw(77, (2, 2))  # a length of its own: nothing may be cached yet
    with torch.inference_mode():
        run(attend, q, k, v, 13)
    run(attend, q, k, v, 13).sum().backward()
    assert q.grad is not None and v.grad is not None
    assert v.grad.abs().sum() > 0


def starts_of(length: int, documents: int, seed: int, batch: int = 2) -> Tensor:
    """Return where each token's document begins, in texts cut at random places."""
    generator = torch.Generator().manual_seed(seed)
    cuts = torch.rand(batch, length, generator=generator).argsort(1)[:, :documents]
    places = torch.arange(length).expand(batch, length)
    return torch.zeros_like(places).scatter(1, cuts, cuts).cummax(1).values


@KINDS
@HEADS
@pytest.mark.parametrize("window", [None, 9])
def test_no_query_sees_another_document(
    attend: Attend, heads: tuple[int, int], window: int | None
) -> None:
    inputs, starts = draw(150, heads), starts_of(150, 6, 1)
    settings = (window, 0.7, starts)
    assert_values_and_gradients(
        attend(*inputs, *settings), attend_slowly(*inputs, *settings), inputs
    )


@KINDS
@settings(max_examples=25, deadline=None)
@given(
    length=st.integers(1, 140),
    documents=st.integers(0, 20),
    window=st.none() | st.integers(0, 150),
    seed=st.integers(0, 9),
)
def test_any_documents_and_window_equal_the_slow_form(
    attend: Attend, length: int, documents: int, window: int | None, seed: int
) -> None:
    q, k, v = draw(length, (2, 1), seed, batch=1)
    starts = starts_of(length, documents, seed, batch=1)
    expected = attend_slowly(q, k, v, window, None, starts)
    y = attend(q, k, v, window, 8**-0.5, starts)
    torch.testing.assert_close(y.double(), expected, atol=3e-6, rtol=1e-5)


@KINDS
def test_the_scale_multiplies_the_scores(attend: Attend) -> None:
    q, k, v = draw(40, (2, 2))
    expected = attend(3 * q, k, v, None, 0.1, None)
    torch.testing.assert_close(attend(q, k, v, None, 0.3, None), expected, atol=1e-6, rtol=1e-5)
