"""Adapters that tell the passes of a loop apart."""

from __future__ import annotations

import pytest
import torch

from golf.model.adapters import Adapter
from golf.model.roles import ADAPTER, roles_of
from tests.model.tools import assert_plain, build, draw, draw_tokens, live, randomised

LOOPED = {"depth": 4, "loop_count": 2, "loop_start": 1, "loop_end": 2}
ADAPTED = {**LOOPED, "loop_lora_rank": 3}


@pytest.mark.parametrize(
    "changes",
    [ADAPTED, {**ADAPTED, "n_kv_head": 2, "attn_gate": "out_gate", "gate_src": "q"}],
    ids=["looped", "with a gate on q"],
)
def test_each_pass_has_its_own_low_rank_change_to_every_map(changes: dict[str, object]) -> None:
    assert_plain(**changes)


def test_fresh_adapters_change_no_bit() -> None:
    plain = randomised(build(**LOOPED))
    adapted = build(**ADAPTED)
    adapted.load_state_dict(plain.state_dict(), strict=False)
    tokens = draw_tokens(batch=2)
    assert torch.equal(adapted.logits(tokens), plain.logits(tokens))


def test_passes_differ_once_their_adapters_do() -> None:
    model, tokens = randomised(build(**ADAPTED)), draw_tokens()
    before = model.logits(tokens)
    adapter = model.adapters[0].passes[2]["1"]["q"]
    adapter.b_RC.data.neg_()
    assert not torch.equal(model.logits(tokens), before)


def test_an_adapter_adds_x_a_b_and_starts_uniform_and_zero() -> None:
    torch.manual_seed(0)
    adapter, x = Adapter(400, 7, 16), draw(2, 400)
    assert not adapter(x).any()
    assert adapter.a_CR.abs().max() <= 16**-0.5
    assert adapter.a_CR.std().item() == pytest.approx(16**-0.5 / 3**0.5, rel=0.03)
    torch.nn.init.normal_(adapter.b_RC)
    torch.testing.assert_close(adapter(x), x @ (adapter.a_CR @ adapter.b_RC), atol=1e-4, rtol=1e-4)


def test_there_is_one_per_execution_of_a_block_and_map_and_all_learn() -> None:
    model = randomised(build(**ADAPTED))
    names = {n for n, r in roles_of(model).items() if r == ADAPTER}
    assert len(names) == (4 + 2 + 2) * 4 * 2
    assert names <= live(model, draw_tokens())
