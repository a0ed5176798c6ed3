"""At how many standard deviations should a row be clipped, for each bit width?

Quantizes the trained baseline of the quickstart matrix (first seed) at several clips and scores
each on the first part of the validation text; embeddings stay at the default. The defaults in
``golf/config/resolve.py`` come from this table.

Run after `golf run matrices/quickstart.yaml`: python benchmarks/bench_clip.py
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import brotli
import torch

from golf.config.resolve import CLIP_SIGMAS
from golf.config.schema.quant import QuantConfig
from golf.data.validation import ValidationStream, cut_windows
from golf.model.roles import roles_of
from golf.plan.ledger import Options, plan_as_run
from golf.quant.artifact import Artifact
from golf.quant.grid import Codes
from golf.quant.quantize import quantize_weights
from golf.stages.context import Bench, Context
from golf.stages.weights import read_weights
from golf.stages.world import World

TARGETS = 40_000
CLIPS = (2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.85)
MATRIX = Path(__file__).parents[1] / "matrices" / "quickstart.yaml"


def score(model: torch.nn.Module, stream: ValidationStream, seq_len: int) -> float:
    """Return bits per byte of the first targets."""
    nats = 0.0
    with torch.inference_mode():
        for inputs, targets, _ in stream.batches(cut_windows(TARGETS, seq_len, seq_len), 32):
            nats += float(model(inputs, targets).sum(dtype=torch.float64))
    return nats / math.log(2) / int(stream.token_bytes[1:].sum())


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    plan, _ = plan_as_run(MATRIX, Options())
    node = plan.cells[0].quantize
    if not plan.node_paths(node).result.exists():
        sys.exit("run the quickstart matrix first: golf run matrices/quickstart.yaml")
    world, bench = World(0, 1, torch.device("cpu")), Bench()
    context = Context(node.record({}), plan.node_paths(node).folder, world, bench)
    settings, weights = read_weights(context)
    stream, seq_len = ValidationStream(context.dataset, TARGETS), settings["train.seq_len"]
    model = bench.model_with(settings, weights, world)
    buckets = {n: role.bucket for n, role in roles_of(model).items()}
    print(f"full precision: {score(model, stream, seq_len):.4f} bpb on {TARGETS:,} targets\n")
    print("| bits | " + " | ".join(f"{c:g} sigma" for c in CLIPS) + " | default |")
    print("|--:|" + "--:|" * (len(CLIPS) + 1))
    for bits in (8, 7, 6, 5, 4):
        cells = []
        for clip in CLIPS:
            config = QuantConfig(bits=bits, clip_sigmas=clip, embed_clip_sigmas=CLIP_SIGMAS[8])
            tensors = quantize_weights(weights, buckets, config)
            quantized = bench.model_with(settings, Artifact({}, tensors).weights(), world)
            coded = b"".join(
                t.codes.numpy().tobytes()
                for n, t in tensors.items()
                if isinstance(t, Codes) and buckets[n] != "embed"
            )
            size = len(brotli.compress(coded, quality=11))
            cells.append(f"{score(quantized, stream, seq_len):.4f} ({size / 1000:.0f} kB)")
        print(f"| {bits} | " + " | ".join(cells) + f" | {CLIP_SIGMAS[bits]:g} |")


if __name__ == "__main__":
    main()
