"""Causal attention itself, one function per kind of device; all compute the same thing.

A query at i sees keys i - window to i; ``window`` None sees all before it. Where ``starts``
is given it sees no key before its own document's start. Query head h reads key head
h // (H / K). Fewer queries than keys are those of the last positions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Attend = Callable[[Tensor, Tensor, Tensor, "int | None", float, "Tensor | None"], Tensor]

SMALLEST_TILE, LARGEST_TILE = 32, 128


def attend_tiles(
    q_BTHD: Tensor,
    k_BTKD: Tensor,
    v_BTKD: Tensor,
    window: int | None,
    scale: float,
    starts_BT: Tensor | None,
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
) -> Tensor:
    """Attend with PyTorch's fused kernel; windows and documents cost it a mask."""
    q, k, v = (x.transpose(1, 2) for x in (q_BTHD, k_BTKD, v_BTKD))
    grouped = q.size(1) != k.size(1)
    first = k.size(2) - q.size(2)
    if window is None and starts_BT is None and not first:
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale, enable_gqa=grouped)
    else:
        mask = tile_mask(first, k.size(2), 0, window, starts_BT, q.device).to(q.dtype)
        mask = mask.squeeze(1) if mask.dim() > 4 else mask
        y = F.scaled_dot_product_attention(q, k, v, mask, scale=scale, enable_gqa=grouped)
    return y.transpose(1, 2)


def attend_flex(
    q_BTHD: Tensor,
    k_BTKD: Tensor,
    v_BTKD: Tensor,
    window: int | None,
    scale: float,
    starts_BT: Tensor | None,
) -> Tensor:
    """Attend with a compiled kernel that skips blocks nobody sees (CUDA only)."""
    q, k, v = (x.transpose(1, 2) for x in (q_BTHD, k_BTKD, v_BTKD))
    if starts_BT is None:
        mask = _block_mask(q.size(2), k.size(2), window, q.device)
    else:
        mask = _document_mask(q.size(2), starts_BT, window)
    y: Tensor = _flex()(q, k, v, block_mask=mask, scale=scale, enable_gqa=True)
    return y.transpose(1, 2)


@cache
def _flex() -> Any:
    from torch.nn.attention.flex_attention import flex_attention  # noqa: PLC0415 (slow import)

    return flex_attention


@torch.compiler.disable  # type: ignore[untyped-decorator]
@cache
@torch.inference_mode(False)
def _block_mask(queries: int, keys: int, window: int | None, device: torch.device) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask  # noqa: PLC0415 (slow import)

    reach, first = keys if window is None else window, keys - queries

    def seen(_b: Tensor, _h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        return (j <= i + first) & (i + first - j <= reach)

    return create_block_mask(seen, None, None, queries, keys, device=device)


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _document_mask(queries: int, starts_BT: Tensor, window: int | None) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask  # noqa: PLC0415 (slow import)

    batch, keys = starts_BT.shape
    reach, first = keys if window is None else window, keys - queries

    def seen(b: Tensor, _h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        near = (j <= i + first) & (i + first - j <= reach)
        return near & (j >= starts_BT[b, i + first])

    return create_block_mask(seen, batch, None, queries, keys, device=starts_BT.device)


BACKENDS: dict[str, Attend] = {
    "tiles": attend_tiles,
    "sdpa": attend_sdpa,
    "flex": attend_flex,
}
