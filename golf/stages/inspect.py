"""``python -m golf.stages.inspect REQUEST.json``: count parameters without making any.

The request maps cache files to model settings; each model is built on the meta device.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from golf.config.schema import group_from
from golf.config.schema.model import ModelConfig
from golf.files import read_json, write_json
from golf.model.flops import train_flops_per_token
from golf.model.gpt import build_gpt


def main(request: Path) -> None:
    """Write the counts of every model of the request."""
    for file, settings in read_json(request).items():
        config, seq_len = group_from(settings, ModelConfig), settings["train.seq_len"]
        with torch.device("meta"):
            model = build_gpt(config, settings["data.vocab_size"], seq_len, "sdpa", "float32")
        counts = {
            "parameters": sum(p.numel() for p in model.parameters()),
            "flops_per_token": train_flops_per_token(model, seq_len),
        }
        write_json(Path(file), counts)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
