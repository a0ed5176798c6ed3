"""What models weigh, against the counts that their authors printed."""

from __future__ import annotations

import pytest
import torch

from golf.config.schema.model import ModelConfig
from golf.model.gpt import build_gpt


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


GOLF = {"model_dim": 512, "head_dim": 64, "n_kv_head": 4, "x0_mix": "channel", "q_gain": 1.5,
        "branch_scale": True}  # fmt: skip
PR_1493 = {**GOLF, "depth": 11, "mlp_mult": 4.0, "skips": "gated", "loop_count": 2,
           "loop_start": 3, "loop_end": 5, "parallel": "one_stream", "parallel_start": 7,
           "ln_scale": "norm_input", "xsa": "all", "rope_dims": 16}  # fmt: skip
PR_1855 = {**PR_1493, "parallel": "two_lane", "parallel_start": 8, "attn_gate": "sparse",
           "gate_width": 12, "smear": "v2", "smear_width": 12}  # fmt: skip


@pytest.mark.parametrize(
    ("vocab_size", "changes", "published"),
    [
        (1024, {**GOLF, "depth": 9, "mlp_mult": 2.0, "skips": "plain"}, 17_059_912),
        (
            1024,
            {**GOLF, "depth": 11, "mlp_mult": 3.0, "skips": "plain", "smear": "v1",
             "bigram_buckets": 2048, "bigram_dim": 128, "xsa": "last:4"},
            26_829_913,
        ),
        (8192, PR_1493, 35_944_536),
        (8192, PR_1855, 35_945_671),
        (
            8192,
            {**PR_1855, "attn_gate": "out_gate", "gate_width": 32, "smear_width": 32,
             "gate_src": "residual"},
            35_947_451,
        ),
    ],
    ids=["naive", "march", "PR 1493", "PR 1855", "PR 1969"],
)  # fmt: skip
def test_whole_models_weigh_what_their_logs_say(
    vocab_size: int, changes: dict[str, object], published: int
) -> None:
    assert parameter_count(vocab_size, **changes) == published


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({"shared_head_dim": 16}, 0),
        ({"xsa": "all"}, 0),
        ({"xsa": "all", "xsa_gated": True}, 11 * 8),
        ({"attn_gate": "gated"}, 11 * 8 * 512),
        ({"attn_gate": "bias"}, 11 * 8 * 513),
        ({"value_residual": True}, 10 * 2),
        ({"value_embed": "9,10", "value_embed_dim": 128}, 8192 * 128 + 128 * 256 + 1 + 2),
        ({"backout": 0.2}, 1),
        ({"tied": False}, 8192 * 512),
        ({"mlp_act": "swiglu"}, 11 * 512 * 2048),
        ({"loop_lora_rank": 16}, (11 + 6) * 16 * (6 * 512 + 2 * (512 + 256) - 2 * 512)),
    ],
    ids=str,
)
def test_a_part_adds_its_own_weights_and_no_more(changes: dict[str, object], added: int) -> None:
    assert parameter_count(8192, **{**PR_1493, **changes}) - 35_944_536 == added
