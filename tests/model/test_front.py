"""Between the tokens and the first block: pairs and neighbours."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from golf.model.front import Bigram, Blend, Smear
from tests.model.plain import BOS
from tests.model.plain_parts import pair_row
from tests.model.tools import assert_plain, build, config, draw, draw_tokens, live, randomised

BIGRAM = {"bigram_buckets": 16, "bigram_dim": 6}
NEIGHBOURS = [{"smear": "v1"}, {"smear": "v2"}, BIGRAM]


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        *NEIGHBOURS,
        {"smear": "v2", "smear_width": 32, "x0_mix": "channel"},
        {**BIGRAM, "smear": "v1"},
        {**BIGRAM, "smear": "v2"},
    ],
    ids=str,
)
def test_it_is_the_formula(changes: dict[str, object], mask: bool) -> None:
    masks = {"smear_bos_mask": mask} if "smear" in changes else {}
    masks |= {"bigram_bos_mask": mask} if "bigram_buckets" in changes else {}
    assert_plain(**changes, **masks)


@pytest.mark.parametrize("changes", NEIGHBOURS, ids=str)
def test_a_documents_first_token_is_free_of_the_document_before_it(
    changes: dict[str, object],
) -> None:
    tokens = draw_tokens(8)
    tokens[0, 4] = BOS
    other = tokens.clone()
    other[0, 3] = 7 if tokens[0, 3] != 7 else 8
    for mask in (True, False):
        name = "smear_bos_mask" if "smear" in changes else "bigram_bos_mask"
        model = randomised(build(**changes, **{name: mask}))
        x0 = [model.carry(t, None, ()).x0_BTC[0, 4] for t in (tokens, other)]
        assert torch.equal(*x0) == mask


def test_a_fresh_gated_smear_is_the_identity_to_the_bit_and_only_its_strength_learns_first() -> (
    None
):
    plain = randomised(build())
    smeared = build(smear="v2")
    smeared.load_state_dict(plain.state_dict(), strict=False)
    tokens = draw_tokens(batch=2)
    assert torch.equal(smeared.logits(tokens), plain.logits(tokens))
    learning = live(smeared, tokens)
    assert "smear.strength_1" in learning and "smear.gate_1W" not in learning
    smeared.smear.strength_1.data.fill_(0.1)
    assert "smear.gate_1W" in live(smeared, tokens)


def test_the_gate_reads_the_current_tokens_first_channels_and_the_unsmeared_one_before() -> None:
    part, x, tokens = Smear(config(smear="v2", smear_width=4)), draw(1, 5, 32), draw_tokens(5)
    part.gate_1W.data = draw(1, 4, seed=1)
    part.strength_1.data.fill_(0.7)
    out = part(x, tokens)
    assert torch.equal(out[:, 0], x[:, 0])
    for i in range(1, 5):
        gate = 1 / (1 + torch.exp(-(x[0, i, :4] * part.gate_1W[0]).sum()))
        torch.testing.assert_close(out[0, i], x[0, i] + 0.7 * gate * x[0, i - 1])


def test_a_fresh_blend_is_half_of_both_neighbours() -> None:
    part, x, tokens = Blend(config(smear="v1")), draw(1, 5, 32), draw_tokens(5)
    tokens[0, 3] = BOS
    out = part(x, tokens)
    torch.testing.assert_close(out[0, 0], x[0, 0] / 2)
    torch.testing.assert_close(out[0, 2], (x[0, 2] + x[0, 1]) / 2)
    torch.testing.assert_close(out[0, 3], x[0, 3] / 2)


def hashed(tokens: list[int], buckets: int, mask: bool = True) -> Tensor:
    part = Bigram(config(bigram_buckets=buckets, bigram_dim=1, bigram_bos_mask=mask))
    return part.hashed(torch.tensor([tokens]))[0]


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.lists(st.integers(2, 65_535), min_size=1, max_size=9),
    buckets=st.integers(2, 20_000),
)
def test_rows_are_those_of_wrapping_32_bit_arithmetic(tokens: list[int], buckets: int) -> None:
    befores = [None, *tokens[:-1]]
    expected = [pair_row(t, b, buckets) for t, b in zip(tokens, befores, strict=True)]
    found = hashed(tokens, buckets).tolist()
    assert found == expected
    assert found[0] == buckets - 1
    assert all(0 <= row < buckets - 1 for row in found[1:])


def test_products_beyond_31_bits_wrap_and_the_remainder_stays_positive() -> None:
    # 36313 * 60000 = 2178780000 = -2116187296 mod 2^32; 27191 * 5 = 135955
    assert hashed([5, 60_000], 1536).tolist() == [1535, (-2116187296 ^ 135955) % 1535]


def test_the_first_token_of_a_document_has_the_row_of_no_predecessor() -> None:
    assert hashed([9, BOS, 9], 100)[1] == 99
    assert hashed([9, BOS, 9], 100, mask=False)[1] == pair_row(BOS, 9, 100)
    assert hashed([9, BOS, 9], 100)[2] == pair_row(9, BOS, 100)


def test_a_table_of_zeros_changes_no_bit_but_has_a_gradient_through_its_projection() -> None:
    changes = {"model_dim": 64, "head_dim": 16, "init": "orthogonal"}
    plain, tokens = randomised(build(**changes)), draw_tokens(batch=2)
    paired = build(**changes, bigram_buckets=16, bigram_dim=64)
    paired.load_state_dict(plain.state_dict(), strict=False)
    assert torch.equal(paired.logits(tokens), plain.logits(tokens))
    assert not paired.bigram.table_NE.any()
    assert paired.bigram.scale_1.item() == pytest.approx(0.05)
    values = torch.linalg.svdvals(paired.bigram.project.master.detach())
    torch.testing.assert_close(values, torch.ones(64), atol=1e-5, rtol=0)
    assert "bigram.table_NE" in live(paired, tokens)


def test_only_rows_of_pairs_that_occur_get_a_gradient() -> None:
    model, tokens = randomised(build(**BIGRAM)), draw_tokens()
    live(model, tokens)
    rows = model.bigram.table_NE.grad.any(1).nonzero().flatten().tolist()
    assert rows == model.bigram.hashed(tokens).unique().tolist()
