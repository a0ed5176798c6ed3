"""The whole decoder: its start, documents, precision."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from golf.config.schema.model import ModelConfig
from golf.model.gpt import build_gpt
from tests.model.plain import BOS
from tests.model.tools import (
    SEQ_LEN,
    VOCAB,
    build,
    draw_tokens,
    live,
    logits_of,
    randomised,
)

# The stack of parameter-golf PR 1855, made small.
STACK = {
    "depth": 6, "n_kv_head": 2, "rope_dims": 4, "q_gain": 5.0, "logit_softcap": 30.0,
    "x0_mix": "channel", "branch_scale": True, "ln_scale": "norm_input", "skips": "gated",
    "parallel": "two_lane", "parallel_start": 4, "smear": "v2", "loop_count": 2,
    "loop_start": 2, "loop_end": 3, "xsa": "all", "attn_gate": "sparse",
}  # fmt: skip
# The stack of autoresearch.
LEAN = {
    "depth": 4, "value_embed": "alternate", "x0_mix": "scalar", "tied": False,
    "window_pattern": "SSSL", "logit_softcap": 15.0, "value_gate_width": 8,
}  # fmt: skip
# The stack of parameter-golf in March 2026.
MARCH = {
    "smear": "v1", "bigram_buckets": 16, "bigram_dim": 8, "xsa": "last:2", "value_embed": "1,2",
    "value_embed_dim": 6, "value_residual": True, "window_pattern": "SL", "mlp_act": "relu2",
}  # fmt: skip
STACKS = pytest.mark.parametrize(
    "changes", [{}, LEAN, MARCH, STACK], ids=["plain", "autoresearch", "march", "pr1855"]
)
KINDS = pytest.mark.parametrize("attention", ["tiles", "sdpa"])


@KINDS
@pytest.mark.parametrize("pattern", ["L", "SL"])
def test_causality_holds_across_tiles(attention: str, pattern: str) -> None:
    model = randomised(build(300, attention, window_pattern=pattern, q_gain=1.5))
    tokens = draw_tokens(300)
    for t in (127, 128, 290):
        other = tokens.clone()
        other[:, t] = (other[:, t] + 1) % VOCAB
        with torch.no_grad():
            changed = (model.logits(tokens) != model.logits(other)).any(-1)[0]
        assert not changed[:t].any()
        assert changed[t:].any()


@STACKS
def test_texts_of_one_batch_do_not_touch_each_other(changes: dict[str, object]) -> None:
    model, tokens = randomised(build(**changes)), draw_tokens(batch=3)
    other = tokens.clone()
    other[1] = (other[1] + 1) % VOCAB
    assert torch.equal(model.logits(tokens)[[0, 2]], model.logits(other)[[0, 2]])


@KINDS
@STACKS
def test_documents_of_a_packed_row_are_scored_as_if_alone(
    changes: dict[str, object], attention: str
) -> None:
    model = randomised(build(attention=attention, **changes))
    tokens = draw_tokens(60, batch=2).clamp(min=2)
    starts = torch.zeros_like(tokens)
    documents = [(0, 0, 24), (0, 24, 25), (0, 25, 47), (0, 47, 60), (1, 0, 1), (1, 1, 20),
                 (1, 20, 44), (1, 44, 60)]  # fmt: skip
    for row, low, high in documents:
        tokens[row, low], starts[row, low:high] = BOS, low
    packed = model.logits(tokens, starts)
    for row, low, high in documents:
        alone = model.logits(tokens[row : row + 1, low:high])
        torch.testing.assert_close(packed[row : row + 1, low:high], alone, atol=2e-5, rtol=2e-5)


@STACKS
def test_starts_of_zero_are_no_starts_at_all(changes: dict[str, object]) -> None:
    model, tokens = randomised(build(**changes)), draw_tokens(batch=2)
    expected = model.logits(tokens)
    torch.testing.assert_close(model.logits(tokens, torch.zeros_like(tokens)), expected)


@STACKS
def test_both_kinds_of_attention_give_the_same_logits(changes: dict[str, object]) -> None:
    tiles, tokens = randomised(build(**changes)), draw_tokens(batch=2)
    fused = build(attention="sdpa", **changes)
    fused.load_state_dict(tiles.state_dict())
    torch.testing.assert_close(fused.logits(tokens), tiles.logits(tokens), atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(
    "changes",
    [{}, LEAN, MARCH, STACK, {**LEAN, "head_init_std": 0.001, "embed_init_std": 1.0}],
    ids=["plain", "autoresearch", "march", "pr1855", "autoresearch's start"],
)
def test_the_first_loss_is_close_to_the_log_of_the_vocabulary(changes: dict[str, object]) -> None:
    torch.manual_seed(0)
    config = ModelConfig(**{"depth": 3, **changes, "model_dim": 64, "head_dim": 16})
    model = build_gpt(config, 1024, 64, "tiles", "float32")
    tokens = torch.randint(0, 1024, (4, 65))
    loss = model(tokens[:, :-1], tokens[:, 1:]).mean().item()
    assert loss == pytest.approx(math.log(1024), abs=0.02)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_seed_decides_the_weights(seed: int) -> None:
    def weights(seed: int) -> list[Tensor]:
        torch.manual_seed(seed)
        config = ModelConfig(depth=1, model_dim=16, head_dim=8)
        return list(build_gpt(config, VOCAB, SEQ_LEN, "tiles", "float32").parameters())

    assert all(map(torch.equal, weights(seed), weights(seed)))
    assert not all(map(torch.equal, weights(seed), weights(seed + 2)))


@STACKS
def test_no_parameter_is_cut_off_from_the_loss(changes: dict[str, object]) -> None:
    model = randomised(build(**changes))
    assert live(model, draw_tokens(batch=2)) == {n for n, _ in model.named_parameters()}


@pytest.mark.parametrize(
    "changes",
    [
        {"attn_gate": "out_gate"},
        {"q_gain": 1.0},
        {"x0_mix": "channel"},
        {"branch_scale": True},
        {"smear": "v2"},
        {"bigram_buckets": 16},
        {"loop_lora_rank": 4},
        {"rope_train_len": SEQ_LEN},
    ],
    ids=lambda c: next(iter(c)),
)
def test_a_part_that_starts_neutral_changes_no_bit(changes: dict[str, object]) -> None:
    plain = randomised(build())
    with torch.no_grad():
        assert torch.equal(logits_of(plain, **changes), plain.logits(draw_tokens(batch=2)))


@pytest.mark.parametrize(
    "changes",
    [
        {"window_pattern": "S", "short_window": 1.0}, {"n_kv_head": 4}, {"rope_dims": 8},
        {"logit_softcap": 1e3}, {"parallel_start": 2}, {"loop_start": 1}, {"gate_width": 3},
    ],
    ids=lambda c: next(iter(c)),
)  # fmt: skip
def test_a_neutral_setting_leaves_the_logits_alone(changes: dict[str, object]) -> None:
    plain = randomised(build())
    expected = plain.logits(draw_tokens(batch=2))
    torch.testing.assert_close(logits_of(plain, **changes), expected, atol=5e-3, rtol=1e-4)


@STACKS
def test_bfloat16_activations_give_float32_logits_close_to_the_exact_ones(
    changes: dict[str, object],
) -> None:
    exact, rough = build(**changes), build(dtype="bfloat16", **changes)
    randomised(exact, 0.1)
    rough.load_state_dict(exact.state_dict())
    tokens = draw_tokens(batch=2)
    a, b = exact.logits(tokens), rough.logits(tokens)
    assert b.dtype == torch.float32
    assert not torch.equal(a, b)
    torch.testing.assert_close(a, b, atol=0.03 * a.abs().max().item(), rtol=0.05)


def test_tables_in_bfloat16_are_kept_and_updated_in_it() -> None:
    model = build(embed_dtype="bfloat16", value_embed="all", bigram_buckets=16, tied=False)
    rough = {n for n, p in model.named_parameters() if p.dtype == torch.bfloat16}
    tables = {f"blocks.{i}.attention.value_embed.table_VE" for i in range(3)}
    assert rough == {"embed_VC", "bigram.table_NE", *tables}
    assert rough < live(randomised(model), draw_tokens(batch=2))
