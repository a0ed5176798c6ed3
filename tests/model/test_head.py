"""Logits, their cap, and the loss."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.model.head import (
    ActivationSoftcap,
    Softcap,
    TiedHead,
    UntiedHead,
    build_softcap,
    target_nll,
)
from tests.model.tools import assert_plain, carry, config, draw, draw_tokens


def logits(head: TiedHead, hidden: Tensor, table: Tensor) -> Tensor:
    return head(hidden, table, carry(draw_tokens(3, 2)))


@pytest.mark.parametrize(
    "changes",
    [{"logit_softcap": 3.0}, {"tied": False}, {"tied": False, "logit_softcap": 15.0}],
    ids=str,
)
def test_it_is_the_formula(changes: dict[str, object]) -> None:
    assert_plain(**changes)


@given(st.floats(-1e6, 1e6), st.floats(0.1, 100))
def test_the_cap_is_c_tanh_of_z_over_c_and_never_passed(z: float, cap: float) -> None:
    exact = ActivationSoftcap(cap)(torch.tensor(z, dtype=torch.float64)).item()
    assert exact == pytest.approx(cap * math.tanh(z / cap), rel=1e-9, abs=1e-12)
    capped = Softcap(cap)(torch.tensor(z)).item()
    assert capped == pytest.approx(exact, abs=1e-6 * cap)
    assert max(abs(exact), abs(capped)) <= cap * (1 + 1e-6)


def test_small_logits_pass_almost_and_their_order_is_kept() -> None:
    z = torch.linspace(-40, 40, 201)
    capped = Softcap(15.0)(z)
    assert bool((capped.diff() > 0).all())
    small = torch.linspace(-0.1, 0.1, 21)
    torch.testing.assert_close(Softcap(15.0)(small), small, atol=1e-5, rtol=0)


def test_no_cap_is_no_operation() -> None:
    z = draw(3, 4, scale=100)
    assert build_softcap(config(logit_softcap=None))(z) is z


@pytest.mark.parametrize("cap", [None, 15.0])
def test_logits_are_products_with_the_embedding_rows(cap: float | None) -> None:
    hidden, table = draw(2, 3, 8), draw(7, 8, scale=5)
    found = logits(TiedHead(config(logit_softcap=cap)), hidden, table)
    for v in range(7):
        z = (hidden * table[v]).sum(-1)
        expected = z if cap is None else cap * torch.tanh(z / cap)
        torch.testing.assert_close(found[..., v], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("where", ["float32", "activation"])
def test_the_cap_on_bfloat16_products_acts_in_float32_or_in_bfloat16(where: str) -> None:
    hidden, table = draw(2, 3, 8).bfloat16(), draw(7, 8, scale=5)
    head = TiedHead(config(logit_softcap=30.0, softcap_dtype=where))
    found = logits(head, hidden, table)
    assert found.dtype == torch.float32
    products = hidden @ table.bfloat16().T
    products = products.float() if where == "float32" else products
    torch.testing.assert_close(
        found, (30 * torch.tanh(products / 30)).float(), atol=1e-6, rtol=1e-6
    )


def test_a_head_of_its_own_starts_at_zero_and_does_not_read_the_embedding() -> None:
    made = config(model_dim=8, tied=False, logit_softcap=15.0)
    head, hidden, table = UntiedHead(made, 7), draw(2, 3, 8), draw(7, 8)
    assert not logits(head, hidden, table).any()
    head.out.master.data = 2 * table
    expected = logits(TiedHead(made), hidden, 2 * table)
    assert torch.equal(logits(head, hidden, draw(9, 8)), expected)


def test_a_head_of_its_own_may_start_normal() -> None:
    head = UntiedHead(config(model_dim=64, tied=False, head_init_std=0.001), 500)
    assert head.out.master.std().item() == pytest.approx(0.001, rel=0.02)


@settings(deadline=None, max_examples=30)
@given(st.floats(0, 1e4), st.integers(0, 99))
def test_the_loss_is_minus_the_log_softmax_of_the_target(scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(2, 3, 9, generator=generator)
    targets = torch.randint(0, 9, (2, 3), generator=generator)
    nll = target_nll(logits, targets)
    for b, t in torch.cartesian_prod(torch.arange(2), torch.arange(3)):
        z = logits[b, t].double()
        expected = z.logsumexp(0) - z[targets[b, t]]
        torch.testing.assert_close(nll[b, t].double(), expected, rtol=1e-5, atol=1e-5)


def test_probabilities_of_all_targets_sum_to_one() -> None:
    logits = draw(2, 3, 9, scale=4)
    losses = [target_nll(logits, torch.full((2, 3), v)) for v in range(9)]
    torch.testing.assert_close(torch.stack(losses).neg().exp().sum(0), torch.ones(2, 3))


def test_equal_logits_cost_the_log_of_the_vocabulary() -> None:
    nll = target_nll(torch.zeros(1, 2, 1024), torch.tensor([[0, 1023]]))
    torch.testing.assert_close(nll, torch.full((1, 2), math.log(1024)))
