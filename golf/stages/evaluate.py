"""Score the validation split in one geometry: before quantization or after."""

from __future__ import annotations

import time

import torch

from golf.data.validation import Window
from golf.stages.context import Context, Outcome
from golf.stages.scoring import Tally, open_stream, scoring_facts, summarize
from golf.stages.weights import load_model

BATCH_TOKENS = {"cpu": 2048, "cuda": 131072}


def main(context: Context) -> Outcome:
    """Score every target once; each process takes a contiguous share of the windows."""
    spec, world = context.node.spec, context.world
    started = time.perf_counter()
    model = load_model(context)
    stream, windows = open_stream(context)
    windows = share(windows, world.rank, world.size)
    tally, done = Tally.empty(world.device), 0
    with torch.inference_mode():
        rows = max(1, BATCH_TOKENS[world.device.type] // context.training["train.seq_len"])
        for inputs, targets, token_bytes in stream.batches(windows, rows):
            nll = model(inputs.to(world.device), targets.to(world.device))
            tally.add(nll, token_bytes.to(world.device))
            done += len(inputs)
            context.progress(done, len(windows))
    world.sum(tally.sums)
    measures = summarize(tally, stream, context.dataset)
    measures["eval_s"] = time.perf_counter() - started
    return Outcome(measures, scoring_facts(spec["eval.geometry"], stream, context.dataset))


def share(windows: list[Window], rank: int, size: int) -> list[Window]:
    """Return a contiguous share, sizes differing by at most one."""
    cuts = [len(windows) * r // size for r in range(size + 1)]
    return windows[cuts[rank] : cuts[rank + 1]]
