"""Operations per token against the figures published for autoresearch's rows."""

from __future__ import annotations

import pytest
import torch

from golf.config.schema.model import ModelConfig
from golf.model.flops import peak_flops, train_flops_per_token
from golf.model.gpt import GPT, build_gpt


def build(vocab_size: int = 8192, seq_len: int = 2048, **changes: object) -> GPT:
    base = {"depth": 8, "model_dim": 512, "head_dim": 128, "value_embed": "alternate"}
    with torch.device("meta"):
        config = ModelConfig(**{**base, "window_pattern": "SSSL", **changes})
        return build_gpt(config, vocab_size, seq_len, "tiles", "float32")


@pytest.mark.parametrize(
    ("changes", "millions"),
    [
        ({}, 239.1),
        ({"depth": 6, "model_dim": 768}, 368.1),
        ({"depth": 12, "model_dim": 384}, 217.1),
        ({"depth": 10, "model_dim": 640}, 428.6),
        ({"model_dim": 768}, 471.9),
        ({"head_dim": 64}, 239.1),
        ({"model_dim": 576, "head_dim": 96}, 290.2),
        ({"n_kv_head": 2}, 226.5),
        ({"n_kv_head": 1}, 220.2),
        ({"value_embed": "all"}, 239.1),
        ({"value_embed": "none"}, 239.1),
        ({"window_pattern": "SSLL"}, 251.7),
        ({"window_pattern": "SL"}, 251.7),
        ({"window_pattern": "L"}, 276.8),
        ({"window_pattern": "SSSLSSLL"}, 245.4),
    ],
    ids=str,
)
def test_the_count_is_the_published_one_with_either_head(
    changes: dict[str, object], millions: float
) -> None:
    tied, untied = (train_flops_per_token(build(tied=t, **changes), 2048) for t in (True, False))
    assert tied == untied
    assert tied / 1e6 == pytest.approx(millions, abs=0.06)


def test_the_count_is_six_per_weight_and_twelve_per_channel_and_key() -> None:
    model = build(vocab_size=100, seq_len=64, depth=2, model_dim=32, head_dim=8)
    weights = 100 * 32 + 2 * (4 * 32 * 32 + 8 * 32 * 32)
    assert train_flops_per_token(model, 64) == 6 * weights + 12 * 32 * (32 + 64)


def test_a_window_counts_no_more_than_the_sequence() -> None:
    model = build(vocab_size=100, seq_len=64, depth=2, model_dim=32, head_dim=8)
    fewer = train_flops_per_token(model, 64) - train_flops_per_token(model, 16)
    assert fewer == 12 * 32 * ((32 - 16) + (64 - 16))


@pytest.mark.parametrize(
    "name, peak",
    [("NVIDIA H100 80GB HBM3", 989.5e12), ("NVIDIA A100-SXM4-40GB", 312e12), ("AMD EPYC", None)],
)
def test_the_peak_is_known_for_some_devices(name: str, peak: float | None) -> None:
    assert peak_flops(name) == peak


def test_looped_blocks_count_as_often_as_they_run_and_so_do_their_adapters() -> None:
    small = {"vocab_size": 100, "seq_len": 64, "depth": 4, "model_dim": 32, "head_dim": 8}
    small |= {"window_pattern": "L", "value_embed": "none"}
    loop = {"loop_start": 1, "loop_end": 2}
    plain, once, thrice, adapted = (
        train_flops_per_token(build(**small, **loop, **extra), 64)
        for extra in (
            {},
            {"loop_count": 1},
            {"loop_count": 3},
            {"loop_count": 1, "loop_lora_rank": 2},
        )
    )
    block = 6 * 12 * 32 * 32 + 12 * 32 * 64
    assert once - plain == 2 * block
    assert thrice - plain == 6 * block
    assert adapted - once == 6 * (4 + 2) * 4 * (32 * 2 + 2 * 32)


def test_a_pair_tables_projection_counts_and_its_rows_do_not() -> None:
    small = {"vocab_size": 100, "seq_len": 64, "depth": 2, "model_dim": 32, "head_dim": 8}
    plain, paired = (
        train_flops_per_token(build(**small, **extra), 64)
        for extra in ({}, {"bigram_buckets": 50, "bigram_dim": 16})
    )
    assert paired - plain == 6 * 16 * 32
