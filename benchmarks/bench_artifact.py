"""How long from weights to an artifact, against the straightforward sequential way, in one run?

The straightforward way is that of the published scripts: a Hessian for every matrix by itself,
GPTQ matrix after matrix with two Cholesky factorizations each, then brotli at its highest effort
over all codes at once. Golf shares Hessians and solves among maps that read the same inputs, and
codes the integers with tables of its own. Weights, calibration text and threads are the same.

The model is the first row of matrices/bytes.yaml, 36 million parameters; its weights are those of
a finished training of it, or drawn (bytes then mean nothing).

Run: python benchmarks/bench_artifact.py [runs/train/KEY] [--tokens 16384]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import torch
from bench_gptq import column_by_column
from safetensors.torch import load_file
from torch import Tensor

from golf.config.machine import this_machine
from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.model.gpt import GPT
from golf.model.roles import roles_of
from golf.model.route import Slot
from golf.plan.ledger import Options, plan_file
from golf.quant.artifact import Artifact, pack_artifact, unpack_artifact
from golf.quant.quantize import bits_of, clip_of, quantize_weights
from golf.stages.calibrate import Collector
from golf.stages.context import Bench, model_settings
from golf.stages.quantize import packing_of
from golf.stages.weights import EXPORTED
from golf.stages.world import World

MATRIX = Path(__file__).parents[1] / "matrices/bytes.yaml"
ALONE = World(0, 1, torch.device("cpu"))
BATCH = 2048


def model_and_rules(folder: Path | None) -> tuple[GPT, QuantConfig, dict[str, Any]]:
    """Return the model with trained or drawn weights, its quantizer's knobs and its settings."""
    plan = plan_file(MATRIX, Options())
    here = {"numerics.compile": False, "numerics.attention": "tiles", "numerics.dtype": "float32"}
    settings = {**plan.cells[0].train.spec, **here}
    model = Bench().fresh_model(settings, ALONE)
    config = group_from({**plan.cells[0].quantize.spec, "quant.compressor": "ans"}, QuantConfig)
    if folder:
        kept = load_file(folder / "checkpoint.safetensors")
        exported = {n: t for n, t in kept.items() if n.startswith(EXPORTED)}
        model.load_state_dict({n.removeprefix(EXPORTED): t for n, t in exported.items()})
    else:
        for p in model.parameters():
            if p.ndim == 2:
                p.data.normal_(0.0, 0.05)
    return model, config, model_settings(settings)


class SeparateHessians(Collector):
    """A Hessian for every matrix, both halves of it."""

    def __call__(self, slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Add x^T x for the matrix behind the point."""
        weight = self._weight(slot, name)
        if weight is not None:
            rows = x.flatten(0, -2).float()
            name = self.names[id(weight)]
            self.sums[name] = self.sums.get(name, torch.zeros(())) + rows.T @ rows
        return y


class Laps:
    """Prints the seconds of each stage of one way."""

    def __init__(self, way: str) -> None:
        self.way, self.total = way, 0.0

    def __call__(self, stage: str, do: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        done = do()
        taken = time.perf_counter() - started
        self.total += taken
        print(f"| {self.way} | {stage} | {taken:,.1f} |", flush=True)
        return done


def read_text(model: GPT, collector: Collector, batches: list[Tensor]) -> Collector:
    """Let the model read the calibration text."""
    with torch.inference_mode():
        for tokens in batches:
            model.logits(tokens, taps=(collector,))
    return collector


def straightforward_way(
    model: GPT, config: QuantConfig, batches: list[Tensor]
) -> tuple[float, int]:
    """Return seconds and bytes of one matrix after the other."""
    lap = Laps("straightforward")
    seen = lap("Hessians", lambda: read_text(model, SeparateHessians(model), batches))
    weights = {n: p.detach().float() for n, p in model.named_parameters()}
    buckets = {name: role.bucket for name, role in roles_of(model).items()}

    def rounded() -> list[Tensor]:
        grids = {n: (bits_of(config, buckets[n]), clip_of(config, buckets[n])) for n in seen.sums}
        return [column_by_column(weights[n], h, *grids[n]) for n, h in seen.sums.items()]

    codes = lap("rounding", rounded)
    joined = b"".join(c.numpy().tobytes() for c in codes)
    packed = lap("coding", lambda: brotli.compress(joined, quality=11, lgwin=24))
    print(f"| straightforward | all | {lap.total:,.1f} |")
    return lap.total, len(packed)


def golf_way(
    model: GPT, config: QuantConfig, settings: dict[str, Any], batches: list[Tensor]
) -> tuple[float, int]:
    """Return seconds and bytes of golf's stages; reading the file is timed too, but not added."""
    lap = Laps("golf")
    seen = lap("Hessians", lambda: read_text(model, Collector(model), batches).hessians(ALONE))
    weights = {n: p.detach().float() for n, p in model.named_parameters()}
    buckets = {name: role.bucket for name, role in roles_of(model).items()}
    tensors = lap("rounding", lambda: quantize_weights(weights, buckets, config, seen))
    artifact = Artifact(settings, tensors)
    packed = lap("coding", lambda: pack_artifact(artifact, packing_of(config)))
    total = lap.total
    print(f"| golf | all | {total:,.1f} |")
    lap("(decoding)", lambda: unpack_artifact(packed))
    return total, len(packed)


def main() -> None:
    """Print the seconds of both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--tokens", type=int, default=16384)
    asked = parser.parse_args()
    torch.set_num_threads(2)
    torch.manual_seed(0)
    model, config, settings = model_and_rules(asked.folder)
    length, vocab = settings["train.seq_len"], settings["data.vocab_size"]
    shape = (BATCH // length, length)
    batches = [torch.randint(4, vocab, shape) for _ in range(asked.tokens // BATCH)]
    millions = sum(p.numel() for p in model.parameters()) / 1e6
    weights = "trained" if asked.folder else "drawn"
    print(f"{this_machine().cpu_name}, two threads; {millions:.1f}M {weights} weights, ", end="")
    print(f"{asked.tokens:,} calibration tokens\n\n| way | stage | seconds |\n|:--|:--|--:|")
    model.bake()
    slow, slow_bytes = straightforward_way(model, config, batches)
    fast, fast_bytes = golf_way(model, config, settings, batches)
    print(f"\nratio {slow / fast:.2f}; codes by brotli {slow_bytes:,} bytes, ", end="")
    print(f"the whole artifact {fast_bytes:,}")


if __name__ == "__main__":
    main()
