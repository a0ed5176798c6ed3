"""The forms of a block and their scales."""

from __future__ import annotations

import pytest
import torch

from golf.model.block import Block, ParallelBlock, TwoLaneBlock
from tests.model.tools import assert_plain, build, carry, draw, draw_tokens, randomised


@pytest.mark.parametrize("form", ["norm_input", "residual"])
@pytest.mark.parametrize("gate", [{}, {"attn_gate": "out_gate"}], ids=["plain", "gated"])
def test_deep_blocks_are_scaled_by_the_root_of_their_place(
    form: str, gate: dict[str, object]
) -> None:
    assert_plain(ln_scale=form, branch_scale=True, **gate)


@pytest.mark.parametrize(
    "changes",
    [
        {"parallel": "one_stream", "parallel_start": 0},
        {"parallel": "one_stream", "x0_mix": "channel", "branch_scale": True},
        {"parallel": "one_stream", "ln_scale": "norm_input", "attn_gate": "sparse"},
        {"parallel": "one_stream", "depth": 4, "skips": "gated", "parallel_start": 2},
    ],
    ids=str,
)
def test_attention_and_the_mlp_of_a_parallel_block_read_the_same(
    changes: dict[str, object],
) -> None:
    assert_plain(**changes)


def test_parallel_blocks_begin_where_they_are_told_to() -> None:
    for kind, form in (("one_stream", ParallelBlock), ("two_lane", TwoLaneBlock)):
        model = build(depth=4, parallel=kind, parallel_start=2)
        assert [type(b) for b in model.blocks] == [Block, Block, form, form]


@pytest.mark.parametrize("kind", ["none", "one_stream"])
def test_a_fresh_block_is_the_identity(kind: str) -> None:
    model = build(
        parallel=kind, parallel_start=0, value_embed="all", attn_gate="out_gate", q_gain=4.0,
        branch_scale=True, x0_mix="channel", ln_scale="residual", xsa="all",
    )  # fmt: skip
    x, tokens = draw(2, 24, 32), draw_tokens(batch=2)
    for block in model.blocks:
        first, second = block((x, x), carry(tokens))
        assert torch.equal(first, x) and second is first


def test_input_and_output_scales_differ_by_the_square_in_a_squared_mlp() -> None:
    x, tokens = draw(1, 24, 32), draw_tokens()
    added = {}
    for form in ("none", "norm_input", "residual"):
        block = randomised(build(ln_scale=form)).blocks[2]
        added[form] = block.feed(x, carry(tokens))
    torch.testing.assert_close(added["norm_input"], added["none"] / 3)
    torch.testing.assert_close(added["residual"], added["none"] / 3**0.5)
