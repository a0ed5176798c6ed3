"""Causal attention itself, one function per kind of device; all compute the same thing.

A query at i sees keys i - window to i; ``window`` None sees all before it. Where ``starts``
is given it sees no key before its own document's start. Query head h reads key head
h // (H / K). Fewer queries than keys are those of the last positions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Masks = dict[tuple["int | None", int], Any]  # of one forward pass, by window and queries
Attend = Callable[
    [Tensor, Tensor, Tensor, "int | None", float, "Tensor | None", "Masks | None"], Tensor
]

SMALLEST_TILE, LARGEST_TILE = 32, 128


def attend_tiles(
    q_BTHD: Tensor,
    k_BTKD: Tensor,
    v_BTKD: Tensor,
    window: int | None,
    scale: float,
    starts_BT: Tensor | None,
    _masks: Masks | None = None,
) -> Tensor:
    """Attend in query tiles that touch only the keys they may see.

    On CPU this beats fused attention by avoiding all work above the diagonal tiles and by
    stacking the query heads of one key head into a single product.
    """
    B, T, H, D = q_BTHD.shape
    K, first = k_BTKD.size(2), k_BTKD.size(1) - T
    G = H // K
    q = q_BTHD.view(B, T, K, G, D).permute(0, 2, 3, 1, 4)
    k, v = k_BTKD.transpose(1, 2), v_BTKD.transpose(1, 2)
    tiles, size = [], max(SMALLEST_TILE, min(T // 4, LARGEST_TILE))
    for start in range(0, T, size):
        end = min(start + size, T)
        low, high = 0 if window is None else max(0, first + start - window), first + end
        q_tile = q[:, :, :, start:end].reshape(B, K, G * (end - start), D)
        scores = (q_tile @ k[:, :, low:high].mT).view(B, K, G, end - start, high - low)
        mask = tile_mask(first + start, high, low, window, starts_BT, q.device)
        weights = torch.add(mask, scores, alpha=scale).softmax(-1).to(v.dtype)
        tile = weights.view(B, K, G * (end - start), high - low) @ v[:, :, low:high]
        tiles.append(tile.view(B, K, G, end - start, D))
    return torch.cat(tiles, 3).permute(0, 3, 1, 2, 4).reshape(B, T, H, D)


def tile_mask(
    start: int,
    end: int,
    low: int,
    window: int | None,
    starts_BT: Tensor | None,
    device: torch.device,
) -> Tensor:
    """Return 0 where queries start to end may see keys low to end, and -inf elsewhere.

    The shape is (queries, keys), with (B, 1, 1) before it where documents differ by row.
    """
    i = torch.arange(start, end, device=device)[:, None]
    j = torch.arange(low, end, device=device)[None]
    seen = (j <= i) if window is None else (j <= i) & (i - j <= window)
    if starts_BT is not None:
        seen = seen & (j >= starts_BT[:, None, None, start:end, None])
    return torch.zeros(seen.shape, device=device).masked_fill(~seen, float("-inf"))


def attend_sdpa(
    q_BTHD: Tensor,
    k_BTKD: Tensor,
    v_BTKD: Tensor,
    window: int | None,
    scale: float,
    starts_BT: Tensor | None,
    _masks: Masks | None = None,
) -> Tensor:
    """Attend with PyTorch's fused kernel; windows and documents cost it a mask.

    No fused kernel takes both a mask and grouped heads, so that keys are repeated for a mask.
    """
    q, k, v = (x.transpose(1, 2) for x in (q_BTHD, k_BTKD, v_BTKD))
    group, first = q.size(1) // k.size(1), k.size(2) - q.size(2)
    if window is None and starts_BT is None and not first:
        y = F.scaled_dot_product_attention(
            q, k, v, is_causal=True, scale=scale, enable_gqa=group > 1
        )
    else:
        mask = tile_mask(first, k.size(2), 0, window, starts_BT, q.device).to(q.dtype)
        mask = mask.squeeze(1) if mask.dim() > 4 else mask
        k, v = (x.repeat_interleave(group, 1) if group > 1 else x for x in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, mask, scale=scale)
    return y.transpose(1, 2)


def backend(name: str) -> Attend:
    """Return the function called ``tiles``, ``sdpa`` or ``flex``."""
    if name == "flex":
        from golf.model.flex import attend_flex  # noqa: PLC0415 (loads the compiler)

        return attend_flex
    return {"tiles": attend_tiles, "sdpa": attend_sdpa}[name]
