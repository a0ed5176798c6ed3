"""How much faster is GPTQ here than the straightforward way, on the same matrices in one run?

The straightforward way is the published one: for every matrix a Hessian of its own, inverted
through two Cholesky factorizations, and a column loop over rows as they lie. Here maps
that read the same inputs share a Hessian and a solve, only half of the Hessian is summed, its
factor comes from one triangular solve, and columns are contiguous. Weights are drawn; only time
is measured, and that most codes agree.

Run: python benchmarks/bench_gptq.py [LAYERS]  (11 x 512 with an MLP of 4x is the records' shape)
"""

from __future__ import annotations

import sys
import time

import torch
from torch import Tensor

from golf.quant.gptq import gptq_round
from golf.quant.grid import fp16_scales, levels, sigma_scales
from golf.stages.calibrate import add_gram, mirrored

WIDTH, TOKENS, BITS, CLIP, BLOCK = 512, 4096, 6, 12.85, 128
SHAPES = {"qkv": ((512, 256, 256), WIDTH), "out": ((512,), WIDTH), "up": ((2048,), WIDTH)}
SHAPES["down"] = ((512,), 4 * WIDTH)


def straightforward(matrix: Tensor, inputs: Tensor) -> Tensor:
    """Return codes by the published script's steps, Hessian included."""
    return column_by_column(matrix, inputs.T @ inputs, BITS, CLIP)


def column_by_column(matrix: Tensor, hessian: Tensor, bits: int, clip: float) -> Tensor:
    """Return codes by the published script's steps; the Hessian is left as it is."""
    hessian = hessian + 0.01 * hessian.diagonal().mean() * torch.eye(len(hessian))
    order = hessian.diagonal().argsort(descending=True)
    scales = fp16_scales(sigma_scales(matrix, bits, clip)).float()
    w, h, most = matrix[:, order].clone(), hessian[order][:, order], levels(bits)
    factor = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(h)), upper=True)
    codes = torch.empty_like(w)
    for start in range(0, w.size(1), BLOCK):
        stop = min(start + BLOCK, w.size(1))
        block, errors = w[:, start:stop].clone(), torch.zeros(len(w), stop - start)
        for j in range(stop - start):
            column, row = block[:, j], factor[start + j, start + j : stop]
            code = torch.clamp(torch.round(column / scales), -most, most)
            codes[:, start + j] = code
            errors[:, j] = (column - code * scales) / row[0]
            block[:, j:] -= errors[:, j : j + 1] * row
        w[:, stop:] -= errors @ factor[start:stop, stop:]
    return codes[:, order.argsort()].to(torch.int8)


def ours(matrices: list[Tensor], inputs: Tensor) -> Tensor:
    """Return the codes of maps that read the same inputs."""
    total = torch.zeros(inputs.size(1), inputs.size(1))
    add_gram(total, inputs)
    joined = torch.cat(matrices)
    scales = fp16_scales(sigma_scales(joined, BITS, CLIP))
    return gptq_round(joined, mirrored(total), scales, BITS, 0.01, by_diagonal=True)


def main() -> None:
    """Print seconds of both ways, layer by layer in turn."""
    layers = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    torch.manual_seed(0)
    seconds, agree, total = {"straightforward": 0.0, "golf": 0.0}, 0, 0
    for _ in range(layers):
        for rows, width in SHAPES.values():
            mix = torch.eye(width) + 0.3 * torch.randn(width, width) / width**0.5
            inputs = torch.randn(TOKENS, width) @ mix * torch.logspace(0, -1, width)
            matrices = [torch.randn(r, width) * width**-0.5 for r in rows]
            start = time.perf_counter()
            slow = torch.cat([straightforward(m, inputs) for m in matrices])
            middle = time.perf_counter()
            fast = ours(matrices, inputs)
            seconds["straightforward"] += middle - start
            seconds["golf"] += time.perf_counter() - middle
            agree, total = agree + int((slow == fast).sum()), total + fast.numel()
    print(f"{layers} layers, {TOKENS} calibration tokens, {100 * agree / total:.2f} % same codes")
    for way, taken in seconds.items():
        print(f"{way:<16} {taken:7.2f} s")
    print(f"ratio            {seconds['straightforward'] / seconds['golf']:7.2f}")


if __name__ == "__main__":
    main()
