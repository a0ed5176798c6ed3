"""Orthogonalisation of update matrices by Newton-Schulz iterations.

Sources: Keller Jordan, Muon, 2024 (``classic``: one quintic, tuned for speed; singular values end
up near 1, 0.68 to 1.13 after five steps); Polar Express, arXiv 2505.16932 (one quintic per step,
each the best for the interval that the one before leaves).
"""

from __future__ import annotations

import torch
from torch import Tensor

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


def orthogonalize(
    updates: Tensor, steps: int, dtype: torch.dtype = torch.bfloat16, form: str = "classic"
) -> Tensor:
    """Return (N, rows, columns) matrices with their singular values driven towards 1.

    The work is done in ``dtype``; the order of the products is that of the published scripts,
    which matters to the last bit in bfloat16.

    Args:
        updates: (N, rows, columns), each matrix for itself.
        steps: iterations; Polar Express has at most five.
        dtype: precision of every product.
        form: ``classic``, ``polar``, or ``polar_safe`` (norms enlarged by 2 %).
    """
    x = updates.to(dtype)
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    factor, eps = NORMALISERS[form]
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * factor + eps)
    x = _classic(x, steps) if form == "classic" else _polar(x, steps)
    return x.mT if tall else x


def _classic(x: Tensor, steps: int) -> Tensor:
    a, b, c = CLASSIC
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + (c * gram) @ gram) @ x
    return x


def _polar(x: Tensor, steps: int) -> Tensor:
    for a, b, c in POLAR[:steps]:
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x


def normalize_rows(updates: Tensor) -> Tensor:
    """Return (N, rows, columns) matrices with rows of length 1.

    Source: MuonEq-R, parameter-golf PR 1217.
    """
    lengths: Tensor = updates.norm(dim=-1, keepdim=True)
    return updates / lengths.clamp_min(1e-7)
