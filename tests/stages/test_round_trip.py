"""Models of every make go through codes and bytes and come back with the logits of their codes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from golf.config.knob import Value
from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.config.tokens import BOS
from golf.model.gpt import GPT
from golf.quant.artifact import Artifact, read_artifact, write_artifact
from golf.quant.grid import Codes
from golf.quant.quantize import Tensors
from golf.stages.context import Bench, model_settings, numerics_of
from golf.stages.quantize import packing_of, quantize
from golf.stages.world import World
from tests.conftest import TINY, Project

ALONE = World(0, 1, torch.device("cpu"))
MADE: dict[str, dict[str, Value]] = {
    "tied": {},
    "untied": {"model.tied": False, "quant.embed_bits": 4, "model.logit_softcap": 15.0},
    "bfloat16 tables": {"model.embed_dtype": "bfloat16", "model.value_embed": "all"},
    "value tables": {
        "model.value_embed": "alternate", "model.value_residual": True, "model.depth": 3,
    },
    "one value table": {"model.value_embed": "all", "model.value_embed_dim": 16},
    "shared heads": {"model.shared_head_dim": 8, "model.rope_dims": 16, "model.n_kv_head": 1},
    "windows and XSA": {"model.window_pattern": "SL", "model.xsa": "all", "model.xsa_gated": True},
    "loops": {
        "model.depth": 3, "model.loop_count": 2, "model.loop_end": 1, "model.skips": "gated",
    },
    "loops told apart": {"model.loop_count": 1, "model.loop_lora_rank": 4, "train.loop_at": 0.4},
    "two lanes": {"model.parallel": "two_lane", "model.depth": 3, "model.x0_mix": "channel"},
    "one stream": {"model.parallel": "one_stream", "model.ln_scale": "residual"},
    "pairs and smears": {"model.bigram_buckets": 32, "model.bigram_dim": 16, "model.smear": "v2"},
    "old smears": {"model.smear": "v1", "model.skips": "plain", "model.backout": 0.2},
    "out gates": {"model.attn_gate": "out_gate", "model.gate_src": "q"},
    "full gates as int8": {"model.attn_gate": "gated", "quant.quant_gate": True},
    "sparse gates": {"model.attn_gate": "sparse", "model.gate_scale": 0.5},
    "gates with a bias": {"model.attn_gate": "bias", "model.branch_scale": True},
    "SwiGLU": {"model.mlp_act": "swiglu", "model.x0_mix": "scalar", "quant.mlp_bits": 5},
    "growing": {"model.depth": 3, "train.grow_from": 2, "model.skips": "gated"},
    "stretched positions": {"model.rope_train_len": 32, "model.rope_scaling": "yarn"},
    "grouped streams": {"quant.compressor": "brotli", "quant.group_streams": True},
}  # fmt: skip


def drawn(settings: dict[str, Value]) -> GPT:
    """Return a model whose every parameter was drawn: nothing is hidden by a start at zero."""
    model = Bench().fresh_model(settings, ALONE)
    draw = torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data.normal_(0.0, 0.2, generator=draw)
    return model


def dequantized(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Return codes times scales, one row at a time, and fp16 as it is."""
    return {n: _dequantized(t) if isinstance(t, Codes) else t.float() for n, t in tensors.items()}


def _dequantized(coded: Codes) -> torch.Tensor:
    rows = zip(coded.codes, coded.scales, strict=True)
    return torch.stack([row.float() * scale.float() for row, scale in rows])


def logits(model: GPT) -> torch.Tensor:
    tokens = torch.randint(4, 384, (2, 24), generator=torch.Generator().manual_seed(2))
    tokens[:, 0] = tokens[1, 9] = BOS
    with torch.no_grad():
        return model.logits(tokens)


@pytest.mark.parametrize("make", MADE)
def test_a_model_read_back_from_its_bytes_is_the_model_of_its_codes(
    project: Project, tmp_path: Path, make: str
) -> None:
    cell = project.plan({**TINY, "quant.bits": 6, **MADE[make]}).cells[0]
    settings, config = cell.train.spec, group_from(cell.quantize.spec, QuantConfig)
    model = drawn(settings)
    before = logits(model)
    model.bake()
    torch.testing.assert_close(logits(model), before)
    tensors = quantize(model, config, {})
    assert any(isinstance(t, Codes) for t in tensors.values())
    artifact = Artifact(model_settings(settings), tensors)
    write_artifact(tmp_path / "a.bin", artifact, packing_of(config))
    found = read_artifact(tmp_path / "a.bin")
    rebuilt = Bench().model_with(found.settings | numerics_of(settings), found.weights(), ALONE)
    model.load_state_dict(dequantized(tensors), strict=True)
    assert torch.equal(logits(rebuilt), logits(model))
    assert not torch.equal(logits(model), before)
