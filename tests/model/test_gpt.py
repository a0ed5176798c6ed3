"""The whole decoder: sizes, its start, causality, and a published program's numbers."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from golf.config.schema.model import ModelConfig
from golf.model.gpt import GPT, build_gpt

FIDELITY = Path(__file__).parent.parent / "data" / "fidelity"
VOCAB, SEQ_LEN = 48, 24
COMPARED = ("embed", "head", "blocks.1.")  # the gradients that the fixture holds
ORIGINAL_TABLES = {"embed_VC": "transformer.wte.weight", "head.out.master": "lm_head.weight"}
ORIGINAL_PARTS = {
    "attention.q.master": "attn.c_q.weight",
    "attention.k.master": "attn.c_k.weight",
    "attention.v.master": "attn.c_v.weight",
    "attention.out.master": "attn.c_proj.weight",
    "attention.value_embed.gate.table_HW": "attn.ve_gate.weight",
    "mlp.up.master": "mlp.c_fc.weight",
    "mlp.down.master": "mlp.c_proj.weight",
}


def build(seq_len: int = SEQ_LEN, attention: str = "tiles", **changes: object) -> GPT:
    torch.manual_seed(0)
    config = ModelConfig(**{"depth": 3, "model_dim": 32, "head_dim": 8, **changes})
    return build_gpt(config, VOCAB, seq_len, attention, "float32")


def randomised(model: GPT) -> GPT:
    """Draw every parameter: zero starts would hide what a part does."""
    generator = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data.normal_(0.0, 0.3, generator=generator)
    return model


def draw_tokens(length: int = SEQ_LEN, batch: int = 1) -> Tensor:
    return torch.randint(0, VOCAB, (batch, length), generator=torch.Generator().manual_seed(3))


@torch.no_grad()
def changed_positions(model: GPT, tokens: Tensor, t: int) -> Tensor:
    """Return where the logits change, to the bit, when token ``t`` does."""
    other = tokens.clone()
    other[:, t] = (other[:, t] + 1) % VOCAB
    return (model.logits(tokens) != model.logits(other)).any(-1).any(0)


COMBINATIONS = list(
    itertools.product(
        ("L", "SL", "SSSL"),
        ("none", "alternate", "all"),
        ("none", "out_gate"),
        ("none", "scalar"),
        (None, 2, 1),
    )
)


@pytest.mark.parametrize(("pattern", "value_embed", "gate", "mix", "kv_heads"), COMBINATIONS)
def test_a_token_changes_no_logit_before_it_and_some_after(
    pattern: str, value_embed: str, gate: str, mix: str, kv_heads: int | None
) -> None:
    model = randomised(
        build(
            window_pattern=pattern, short_window=0.25, value_embed=value_embed,
            value_gate_width=8, attn_gate=gate, x0_mix=mix, n_kv_head=kv_heads, q_gain=1.5,
        )
    )  # fmt: skip
    for t in (0, 11, SEQ_LEN - 1):
        changed = changed_positions(model, draw_tokens(), t)
        assert not changed[:t].any()
        assert changed[t]
        assert t == SEQ_LEN - 1 or changed[t + 1 :].any()


@pytest.mark.parametrize("attention", ["tiles", "sdpa"])
@pytest.mark.parametrize("pattern", ["L", "SL"])
def test_causality_holds_across_tiles(attention: str, pattern: str) -> None:
    model = randomised(build(300, attention, window_pattern=pattern, q_gain=1.5))
    for t in (127, 128, 290):
        changed = changed_positions(model, draw_tokens(300), t)
        assert not changed[:t].any()
        assert changed[t:].any()


def test_texts_of_one_batch_do_not_touch_each_other() -> None:
    model, tokens = randomised(build(value_embed="all", attn_gate="out_gate")), draw_tokens(batch=3)
    other = tokens.clone()
    other[1] = (other[1] + 1) % VOCAB
    assert torch.equal(model.logits(tokens)[[0, 2]], model.logits(other)[[0, 2]])


@pytest.mark.parametrize(
    "changes",
    [{}, {"x0_mix": "scalar", "value_embed": "all"}, {"tied": False, "logit_softcap": 15.0}],
    ids=str,
)
def test_the_first_loss_is_close_to_the_log_of_the_vocabulary(changes: dict[str, object]) -> None:
    torch.manual_seed(0)
    config = ModelConfig(depth=2, model_dim=64, head_dim=32, **changes)
    model = build_gpt(config, 1024, 64, "tiles", "float32")
    tokens = torch.randint(0, 1024, (4, 65))
    loss = model(tokens[:, :-1], tokens[:, 1:]).mean().item()
    assert loss == pytest.approx(math.log(1024), abs=0.02)


def test_fresh_blocks_are_the_identity() -> None:
    model = build(value_embed="all", attn_gate="out_gate", q_gain=4.0)
    x, x0 = torch.randn(2, SEQ_LEN, 32), torch.randn(2, SEQ_LEN, 32)
    for block in model.blocks:
        assert torch.equal(block(x, x0, draw_tokens(batch=2)), x)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_seed_decides_the_weights(seed: int) -> None:
    def weights(seed: int) -> list[Tensor]:
        torch.manual_seed(seed)
        config = ModelConfig(depth=1, model_dim=16, head_dim=8)
        return list(build_gpt(config, VOCAB, SEQ_LEN, "tiles", "float32").parameters())

    assert all(map(torch.equal, weights(seed), weights(seed)))
    assert not all(map(torch.equal, weights(seed), weights(seed + 2)))


def test_no_parameter_is_cut_off_from_the_loss() -> None:
    model = randomised(
        build(
            value_embed="all", value_gate_width=8, attn_gate="out_gate", x0_mix="scalar", q_gain=1.5
        )
    )
    model(draw_tokens(), draw_tokens().flip(1)).mean().backward()
    dead = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert dead == []


@pytest.mark.parametrize(
    "changes",
    [
        {"attn_gate": "out_gate"},
        {"q_gain": 1.0},
        {"window_pattern": "S", "short_window": 1.0},
        {"n_kv_head": 4},
        {"rope_dims": 8},
    ],
    ids=lambda c: next(iter(c)),
)
def test_a_neutral_part_leaves_the_logits_alone(changes: dict[str, object]) -> None:
    plain = randomised(build())
    with_part = build(**changes)
    kept = with_part.load_state_dict(plain.state_dict(), strict=False)
    assert not kept.unexpected_keys
    torch.testing.assert_close(
        with_part.logits(draw_tokens()), plain.logits(draw_tokens()), atol=1e-5, rtol=1e-5
    )


def test_bfloat16_activations_give_float32_logits_close_to_the_exact_ones() -> None:
    exact = build(value_embed="all", attn_gate="out_gate", x0_mix="scalar")
    config = ModelConfig(
        depth=3, model_dim=32, head_dim=8, value_embed="all", attn_gate="out_gate", x0_mix="scalar"
    )
    rough = build_gpt(config, VOCAB, SEQ_LEN, "tiles", "bfloat16")
    rough.load_state_dict(exact.state_dict())
    a, b = exact.logits(draw_tokens()), rough.logits(draw_tokens())
    assert b.dtype == torch.float32
    assert not torch.equal(a, b)
    torch.testing.assert_close(a, b, atol=0.01, rtol=0.05)


def parameter_count(vocab_size: int, **changes: object) -> int:
    with torch.device("meta"):
        model = build_gpt(ModelConfig(**changes), vocab_size, 16, "tiles", "float32")
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("depth", "mult", "vocab_size", "published"),
    [
        (9, 2.0, 1024, 17_039_360),
        (9, 2.0, 8192, 20_709_376),
        (11, 3.0, 1024, 26_476_544),
        (11, 4.0, 1024, 32_243_712),
        (11, 4.0, 8192, 35_913_728),
        (12, 4.0, 8192, 38_797_312),
        (12, 4.5, 1024, 38_273_024),
        (12, 4.5, 8192, 41_943_040),
    ],
)
def test_golf_shapes_weigh_what_was_published(
    depth: int, mult: float, vocab_size: int, published: int
) -> None:
    count = parameter_count(
        vocab_size, depth=depth, mlp_mult=mult, model_dim=512, head_dim=64, n_kv_head=4
    )
    assert (
        count
        == published
        == depth * (2 * 512**2 + 2 * 512 * 256 + 2 * 512 * int(mult * 512)) + (vocab_size * 512)
    )


@pytest.mark.parametrize(
    ("depth", "dim", "head_dim", "kv_heads", "value_embed", "millions"),
    [
        (8, 512, 128, None, "alternate", 50.33),
        (6, 768, 128, None, "alternate", 73.93),
        (12, 384, 128, None, "alternate", 46.40),
        (10, 640, 128, None, "alternate", 85.85),
        (8, 768, 128, None, "alternate", 94.37),
        (8, 512, 64, None, "alternate", 50.33),
        (8, 576, 96, None, "alternate", 60.16),
        (8, 512, 128, 2, "alternate", 39.85),
        (8, 512, 128, 1, "alternate", 34.60),
        (8, 512, 128, None, "all", 67.11),
        (8, 512, 128, None, "none", 33.55),
    ],
)
def test_autoresearch_shapes_weigh_what_was_published(
    depth: int, dim: int, head_dim: int, kv_heads: int | None, value_embed: str, millions: float
) -> None:
    vocab_size, heads = 8192, dim // head_dim
    kv_width = (kv_heads or heads) * head_dim
    count = parameter_count(
        vocab_size, depth=depth, model_dim=dim, head_dim=head_dim, n_kv_head=kv_heads,
        value_embed=value_embed, value_gate_width=32, x0_mix="scalar", tied=False,
    )  # fmt: skip
    tables = {"all": depth, "alternate": depth / 2, "none": 0}[value_embed]
    blocks = depth * (2 * dim**2 + 2 * dim * kv_width + 8 * dim**2)
    gates = tables * 32 * (kv_heads or heads)
    embeddings = vocab_size * (2 * dim + tables * kv_width)
    assert count == blocks + embeddings + gates + 2 * depth
    assert count / 1e6 == pytest.approx(millions, abs=0.006)


def original(tensors: dict[str, Tensor], name: str) -> Tensor:
    """Return the published tensor that stands for golf's parameter ``name``."""
    if name in ORIGINAL_TABLES:
        return tensors[ORIGINAL_TABLES[name]]
    _, layer, part = name.split(".", 2)
    if part == "mix.mix_2":
        return torch.stack([tensors[f"{n}_lambdas"][int(layer)] for n in ("resid", "x0")])
    if part == "attention.value_embed.table_VE":
        return tensors[f"value_embeds.{layer}.weight"]
    return tensors[f"transformer.h.{layer}.{ORIGINAL_PARTS[part]}"]


@pytest.mark.parametrize("attention", ["tiles", "sdpa"])
def test_the_published_autoresearch_model_is_reproduced(attention: str) -> None:
    found = load_file(FIDELITY / "autoresearch.safetensors")
    weights, grads = (
        {n.removeprefix(p): t for n, t in found.items() if n.startswith(p)}
        for p in ("weight.", "grad.")
    )
    config = ModelConfig(
        depth=4, model_dim=32, head_dim=16, leaky_slope=0.0, window_pattern="SSSL", tied=False,
        value_embed="alternate", x0_mix="scalar", logit_softcap=15.0,
    )  # fmt: skip
    model = build_gpt(config, VOCAB, SEQ_LEN, attention, "float32")
    model.load_state_dict({n: original(weights, n) for n, _ in model.named_parameters()})
    tokens = found["tokens"].long()
    logits = model.logits(tokens[:, :-1])
    bound = 1e-5 * found["logits"].abs().max().item()
    torch.testing.assert_close(logits, found["logits"], atol=bound, rtol=0)
    loss = model(tokens[:, :-1], tokens[:, 1:]).mean()
    assert loss.item() == pytest.approx(found["loss"].item(), abs=1e-5)
    loss.backward()
    compared = [n for n, _ in model.named_parameters() if n.startswith(COMPARED)]
    assert len(compared) == 11
    for name in compared:
        grad, expected = model.get_parameter(name).grad, original(grads, name)
        assert grad is not None
        bound = 1e-5 * expected.abs().max().item()
        torch.testing.assert_close(grad, expected, atol=bound, rtol=0)
