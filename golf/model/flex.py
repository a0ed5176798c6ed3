"""Causal attention by compiled flex kernels, for CUDA; importing this loads the compiler.

Blocks that nobody sees are skipped: those outside a window or of another document.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import torch
from torch import Tensor


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
@lru_cache(maxsize=2)
@torch.inference_mode(False)
def _document_mask(queries: int, starts_BT: Tensor, window: int | None) -> Any:
    """Return the mask of one batch; all layers ask for it, and it is made once.

    Compiled, because the plain way writes out a (queries, keys) matrix: 10^10 entries for a
    packed row of published length.
    """
    from torch.nn.attention.flex_attention import create_block_mask  # noqa: PLC0415 (slow import)

    batch, keys = starts_BT.shape
    reach, first = keys if window is None else window, keys - queries

    def seen(b: Tensor, _h: Tensor, i: Tensor, j: Tensor) -> Tensor:
        near = (j <= i + first) & (i + first - j <= reach)
        return near & (j >= starts_BT[b, i + first])

    return create_block_mask(
        seen, batch, None, queries, keys, device=starts_BT.device, _compile=True
    )
