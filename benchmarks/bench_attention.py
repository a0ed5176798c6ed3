"""How fast is causal attention in query tiles against PyTorch's fused kernel on CPU?

Forward and backward, one thread, eager, 4 query heads on 2 key heads of width 32; the two are
interleaved round by round and the best round of each counts.

Run: python benchmarks/bench_attention.py
"""

from __future__ import annotations

import time

import torch

from golf.config.machine import this_machine
from golf.model.attend import attend_sdpa, attend_tiles
from golf.model.linear import rms_norm

TOKENS, ROUNDS = 4096, 7


def microseconds(attend, length: int, window: int | None, dtype: torch.dtype) -> float:
    """Return the time per token of one forward and backward pass."""
    shapes = ((TOKENS // length, length, heads, 32) for heads in (4, 2, 2))
    q, k, v = (rms_norm(torch.randn(s)).to(dtype).requires_grad_() for s in shapes)
    start = time.perf_counter()
    y = attend(q, k, v, window)
    torch.autograd.grad(y, (q, k, v), torch.ones_like(y))
    return 1e6 * (time.perf_counter() - start) / TOKENS


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    machine = this_machine()
    dtype = torch.bfloat16 if machine.cpu_bf16 else torch.float32
    print(f"{machine.cpu_name}, torch {torch.__version__}, {dtype}, one thread\n")
    print("| length | window | fused, us/token | tiles, us/token | fused / tiles |")
    print("|--:|--:|--:|--:|--:|")
    for length, window in (
        (128, None),
        (128, 64),
        (256, None),
        (512, None),
        (512, 128),
        (1024, None),
    ):
        best = {attend_sdpa: float("inf"), attend_tiles: float("inf")}
        for _ in range(ROUNDS):
            for attend in best:
                best[attend] = min(best[attend], microseconds(attend, length, window, dtype))
        fused, tiles = best.values()
        print(
            f"| {length} | {window or 'full'} | {fused:.2f} | {tiles:.2f} | {fused / tiles:.2f} |"
        )


if __name__ == "__main__":
    main()
