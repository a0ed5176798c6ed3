"""How many bytes and seconds does each compressor take on trained weights?

Quantizes the exported weights of a training (a checkpoint that `golf run` left) at int6 with
12.85 sigma and embeddings at int8 with 20 sigma, as PR 1493 does, and packs them in every way. All
ways give the same integers back, which is checked.

Run: python benchmarks/bench_codecs.py runs/train/KEY/checkpoint.safetensors
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from golf.config.schema import group_from
from golf.config.schema.model import ModelConfig
from golf.config.schema.quant import QuantConfig
from golf.model.gpt import build_gpt
from golf.model.roles import roles_of
from golf.quant.artifact import Artifact, Packing, pack_artifact, unpack_artifact
from golf.quant.codec.layout import Layout
from golf.quant.grid import Codes
from golf.quant.quantize import Tensors, quantize_weights
from golf.records import read_spec

CONFIG = QuantConfig(bits=6, embed_bits=8, clip_sigmas=12.85, embed_clip_sigmas=20.0)
WAYS = {
    "zlib": Packing("zlib"),
    "zstd": Packing("zstd"),
    "lzma": Packing("lzma"),
    "brotli, bits packed": Packing("brotli", layout=Layout(pack=True)),
    "brotli, shuffled": Packing("brotli", layout=Layout(shuffle=True)),
    "brotli": Packing("brotli"),
    "brotli, by kind, rows sorted": Packing("brotli", layout=Layout(by_kind=True, sort_rows=True)),
    "ans": Packing("ans"),
}


def read_tensors(checkpoint: Path) -> Tensors:
    """Return the quantized tensors of a training."""
    spec = read_spec(checkpoint.parent).spec
    config, seq_len = group_from(spec, ModelConfig), spec["train.seq_len"]
    with torch.device("meta"):
        model = build_gpt(config, spec["data.vocab_size"], seq_len, "sdpa", "float32")
    buckets = {n: role.bucket for n, role in roles_of(model).items()}
    loaded = load_file(checkpoint)
    weights = {n[7:]: t for n, t in loaded.items() if n.startswith("export.")}
    return quantize_weights(weights, buckets, CONFIG)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    tensors = read_tensors(Path(sys.argv[1]))
    coded = {n: t.codes for n, t in tensors.items() if isinstance(t, Codes)}
    print(f"{sum(c.numel() for c in coded.values()):,} integers\n")
    print("| compressor | bytes | against brotli | encode s | decode s |\n|:--|--:|--:|--:|--:|")
    sizes: dict[str, int] = {}
    for way, packing in sorted(WAYS.items(), key=lambda item: item[0] != "brotli"):
        started = time.perf_counter()
        packed = pack_artifact(Artifact({}, tensors), packing)
        middle = time.perf_counter()
        back = unpack_artifact(packed).tensors
        ended = time.perf_counter()
        for name, codes in coded.items():
            found = back[name]
            assert isinstance(found, Codes)
            assert torch.equal(found.codes, codes), name
        sizes[way] = len(packed)
        change = 100 * (len(packed) / sizes["brotli"] - 1)
        seconds = f"{middle - started:.2f} | {ended - middle:.2f}"
        print(f"| {way} | {len(packed):,} | {change:+.2f} % | {seconds} |", flush=True)


if __name__ == "__main__":
    main()
