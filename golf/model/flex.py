"""Causal attention by compiled flex kernels, for CUDA; importing this loads the compiler.

Blocks that nobody sees are skipped: those outside a window or of another document. A mask is
made of plain tensor operations within the forward pass, so that a compiled model has it in its
one graph, and all layers with the same window share it.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from golf.model.attend import Masks, attend_sdpa

BLOCK = 128  # queries, and keys, of a block


def attend_flex(
    q_BTHD: Tensor,
    k_BTKD: Tensor,
    v_BTKD: Tensor,
    window: int | None,
    scale: float,
    starts_BT: Tensor | None,
    masks: Masks | None = None,
) -> Tensor:
    """Attend with a compiled kernel that skips blocks nobody sees (CUDA only).

    The plain fused kernel serves where only the future is out of sight. It also serves windows
    in a model that is not compiled: lengths may come and go there, each compiled for itself.
    """
    queries, keys = q_BTHD.size(1), k_BTKD.size(1)
    if starts_BT is None and (window is None or window >= keys - 1):
        return attend_sdpa(q_BTHD, k_BTKD, v_BTKD, None, scale, None)
    if starts_BT is None and not torch.compiler.is_compiling():
        return attend_sdpa(q_BTHD, k_BTKD, v_BTKD, window, scale, None)
    masks = {} if masks is None else masks
    if (window, queries) not in masks:
        masks[window, queries] = block_mask(queries, keys, window, starts_BT, q_BTHD.device)
    kernel = flex_attention if torch.compiler.is_compiling() else _compiled()
    q, k, v = (x.transpose(1, 2) for x in (q_BTHD, k_BTKD, v_BTKD))
    mask = masks[window, queries]
    y: Tensor = kernel(q, k, v, block_mask=mask, scale=scale, enable_gqa=True)
    return y.transpose(1, 2)


@cache
def _compiled() -> Any:
    """Return the kernel for a model that is not compiled: as it is, it writes out all scores."""
    return torch.compile(flex_attention, dynamic=False)


def block_mask(
    queries: int, keys: int, window: int | None, starts_BT: Tensor | None, device: torch.device
) -> BlockMask:
    """Return which blocks are seen, in part or as a whole, and the rule within a block.

    The keys of one query are a run that ends with its own, and runs of neighbours touch: their
    ends tell what is seen of a block. ``create_block_mask`` asks for every pair instead, of
    which a packed row of published length has 10^10.
    """
    reach, first = keys if window is None else window, keys - queries

    def seen(b: Tensor, _h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        near = (j <= i + first) & (i + first - j <= reach)
        return near if starts_BT is None else near & (j >= starts_BT[b, i + first])

    lowest_BT = (torch.arange(first, keys, device=device) - reach).clamp(min=0)[None]
    if starts_BT is not None:
        lowest_BT = torch.maximum(lowest_BT, starts_BT[:, first:])
    padded = F.pad(lowest_BT, (0, -queries % BLOCK), value=keys).unflatten(1, (-1, BLOCK))
    low, high = padded.amin(2)[:, None, :, None], padded.amax(2)[:, None, :, None]
    own = torch.arange(first, keys, BLOCK, device=device)[:, None]  # a block's first query
    last = (own + BLOCK - 1).clamp(max=keys - 1)
    key = torch.arange(0, keys, BLOCK, device=device)  # a block's first key
    some, whole = (key <= last) & (key + BLOCK > low), (key + BLOCK <= own + 1) & (key >= high)
    return BlockMask.from_kv_blocks(
        *_listed(some & ~whole), *_listed(whole),
        BLOCK_SIZE=BLOCK, mask_mod=seen, seq_lengths=(queries, keys),
    )  # fmt: skip


def _listed(chosen: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many blocks are chosen in each row, and which: those first, in order."""
    order = torch.argsort(chosen.int(), dim=-1, descending=True, stable=True)
    return chosen.sum(-1, dtype=torch.int32), order.int()
