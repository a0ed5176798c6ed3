"""Orthogonalisation of update matrices by Newton-Schulz iterations.

Sources: Keller Jordan, Muon, 2024 (``classic``: one quintic, tuned for speed; singular values end
up near 1, 0.68 to 1.13 after five steps); Polar Express, arXiv 2505.16932 (one quintic per step,
each the best for the interval that the one before leaves).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Product = Callable[[Tensor, Tensor], Tensor]

CLASSIC = (3.4445, -4.7750, 2.0315)
POLAR = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
# what the norm is multiplied by, and what is added, before the matrix is divided by it
NORMALISERS = {"classic": (1.0, 1e-7), "polar": (1.0, 1e-7), "polar_safe": (1.02, 1e-6)}


def product_in_float32(a: Tensor, b: Tensor) -> Tensor:
    """Return a @ b, summed in float32 and rounded as units for bfloat16 do.

    Processors without such units take ten times as long over the same in bfloat16.
    """
    return (a.float() @ b.float()).to(a.dtype)


def orthogonalize(
    updates: Tensor,
    steps: int,
    dtype: torch.dtype = torch.bfloat16,
    form: str = "classic",
    product: Product = torch.matmul,
) -> Tensor:
    """Return (N, rows, columns) matrices with their singular values driven towards 1.

    The work is done in ``dtype``; the order of the products is that of the published scripts,
    which matters to the last bit in bfloat16.

    Args:
        updates: (N, rows, columns), each matrix for itself.
        steps: iterations; Polar Express has at most five.
        dtype: precision of what every product takes and gives.
        form: ``classic``, ``polar``, or ``polar_safe`` (norms enlarged by 2 %).
        product: multiplies two batches of matrices.
    """
    x = updates.to(dtype)
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    factor, eps = NORMALISERS[form]
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * factor + eps)
    x = _classic(x, steps, product) if form == "classic" else _polar(x, steps, product)
    return x.mT if tall else x


def _classic(x: Tensor, steps: int, product: Product) -> Tensor:
    a, b, c = CLASSIC
    for _ in range(steps):
        gram = product(x, x.mT)
        x = a * x + product(b * gram + product(c * gram, gram), x)
    return x


def _polar(x: Tensor, steps: int, product: Product) -> Tensor:
    for a, b, c in POLAR[:steps]:
        gram = product(x, x.mT)
        x = a * x + product(b * gram + c * product(gram, gram), x)
    return x


def normalize_rows(updates: Tensor) -> Tensor:
    """Return (N, rows, columns) matrices with rows of length 1.

    Source: MuonEq-R, parameter-golf PR 1217.
    """
    lengths: Tensor = updates.norm(dim=-1, keepdim=True)
    return updates / lengths.clamp_min(1e-7)
