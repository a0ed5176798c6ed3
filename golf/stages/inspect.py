"""``python -m golf.stages.inspect REQUEST.json``: what planning asks about models and coders.

The request maps cache files to questions: ``models`` to model settings, each model is built on the
meta device; ``scripts`` to the specs of a training and a quantization; ``samples`` to a compressor
and a grid.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from golf.config.kinds import Kind
from golf.config.schema import group_from
from golf.config.schema.model import ModelConfig
from golf.files import read_json, write_json
from golf.model.flops import train_flops_per_token
from golf.model.gpt import build_gpt
from golf.model.linear import SharedHeadLinear
from golf.model.roles import roles_of
from golf.quant.codec import entropy
from golf.quant.codec.compress import compress
from golf.quant.codec.layout import Layout, arrange
from golf.quant.codec.scale_model import entropy_bytes
from golf.quant.entry import kind_of
from golf.stages.code_bytes import code_bytes

SAMPLE_COLUMNS = 256


def counted(settings: dict[str, Any]) -> dict[str, Any]:
    """Return parameters, operations per token and tensors of a model."""
    config, seq_len = group_from(settings, ModelConfig), settings["train.seq_len"]
    with torch.device("meta"):
        model = build_gpt(config, settings["data.vocab_size"], seq_len, "sdpa", "float32")
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "flops_per_token": train_flops_per_token(model, seq_len),
        "tensors": [t._asdict() for t in tensors_of(model)],
    }


def tensors_of(model: nn.Module) -> list[Kind]:
    """Return the parameters of a model, those of one kind and shape as one."""
    found: dict[tuple[str, int, int], Kind] = {}
    roles = roles_of(model)
    for name, parameter in model.named_parameters():
        part = model.get_submodule(name.rpartition(".")[0])
        columns = parameter.shape[-1] if parameter.dim() == 2 else parameter.numel()
        rows = parameter.numel() // max(columns, 1)
        key = kind_of(name), rows, columns
        role, start = roles[name], getattr(part, "start", "table")
        copies = part.copies if isinstance(part, SharedHeadLinear) else 0
        first = Kind(key[0], role.bucket, role.group, start, 0, rows, columns, copies)
        known = found.get(key, first)
        found[key] = known._replace(number=known.number + 1)
    return list(found.values())


def efficiency(sample: dict[str, Any]) -> dict[str, float]:
    """Return coded bytes over entropy for independent normal numbers on a grid."""
    shape = sample["codes"] // SAMPLE_COLUMNS, SAMPLE_COLUMNS
    drawn, most = np.random.default_rng(0).standard_normal(shape, np.float32), sample["most"]
    codes = np.rint(drawn / sample["step"]).clip(-most, most).astype(np.int8)
    if sample["compressor"] == "ans":
        size = len(entropy.encode([codes], [0])[1])
    else:
        streams = arrange([codes], [0], Layout(pack=sample["pack"]))[1]
        size = len(compress(sample["compressor"], streams[0], sample["quality"] or 0))
    counts = np.bincount(codes.ravel().astype(np.int16) + 128)
    return {"ratio": size / max(entropy_bytes(counts), 1.0)}


def main(request: Path) -> None:
    """Answer every question of the request."""
    asked = read_json(request)
    for file, settings in asked["models"].items():
        write_json(Path(file), counted(settings))
    for file, specs in asked["scripts"].items():
        write_json(Path(file), {"code_bytes": code_bytes(*specs)})
    for file, sample in asked["samples"].items():
        write_json(Path(file), efficiency(sample))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
