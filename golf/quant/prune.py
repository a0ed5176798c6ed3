"""Selective pruning: zero the codes of one that matter least, until the bytes fit.

Source: parameter-golf PR 1019, which zeroes entries with |code| = 1 in order of scale^2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from golf.errors import fail
from golf.quant.grid import Codes

Tensors = Mapping[str, Codes | Tensor]


def prune_to(
    tensors: Tensors,
    target: int,
    size: Callable[[Tensors], int],
    estimate: Callable[[Tensors], float],
) -> dict[str, Codes | Tensor]:
    """Return ``tensors`` with as few codes of one zeroed as make ``size`` at most ``target``.

    ``estimate`` is fast and roughly proportional to ``size``; each pass corrects its factor by
    the true size of the last one.

    Raises:
        GolfError: even without any codes of one it does not fit.
    """
    ones, count, least = _count_ones(tensors), 0, 0
    while True:
        pruned = prune_ones(tensors, count)
        actual = size(pruned)
        if actual <= target:
            return pruned
        if count == ones:
            what = f"with all codes of one pruned it still takes {actual:,} bytes"
            raise fail(what, f"raise prune_to_bytes {target:,}, lower the bits or widen the clip")
        wanted = target * estimate(pruned) / actual
        least = count + max(1, ones // 4096)
        count = _fewest(tensors, min(least, ones), ones, wanted, estimate)


def _fewest(
    tensors: Tensors, low: int, high: int, wanted: float, estimate: Callable[[Tensors], float]
) -> int:
    """Return a count between ``low`` and ``high`` whose estimate is at most ``wanted``."""
    resolution = max(1, high // 4096)
    while high - low > resolution:
        middle = (low + high) // 2
        if estimate(prune_ones(tensors, middle)) <= wanted:
            high = middle
        else:
            low = middle
    return high


def prune_ones(tensors: Tensors, count: int) -> dict[str, Codes | Tensor]:
    """Zero ``count`` codes of plus or minus one, those with the smallest scales first."""
    coded = {n: t for n, t in tensors.items() if isinstance(t, Codes)}
    ones = {n: (_groups(t).abs() == 1) for n, t in coded.items()}
    allowed = _allowances(coded, ones, count)
    done = dict(tensors)
    for name, tensor in coded.items():
        chosen = ones[name] & (ones[name].cumsum(1, dtype=torch.int32) <= allowed[name][:, None])
        codes = _groups(tensor).masked_fill(chosen, 0).view(tensor.codes.shape)
        done[name] = replace(tensor, codes=codes)
    return done


def _allowances(
    coded: Mapping[str, Codes], ones: Mapping[str, Tensor], count: int
) -> dict[str, Tensor]:
    """Return for each group of each tensor how many of its ones go, (groups,)."""
    if not coded:
        return {}
    scales = torch.cat([t.scales for t in coded.values()])
    numbers = torch.cat([ones[n].sum(1) for n in coded])
    order = scales.argsort(stable=True)
    before = numbers[order].cumsum(0) - numbers[order]
    allowed = torch.empty_like(numbers)
    allowed[order] = (count - before).clamp(min=0).minimum(numbers[order])
    parts = allowed.split([len(t.scales) for t in coded.values()])
    return dict(zip(coded, parts, strict=True))


def _groups(tensor: Codes) -> Tensor:
    return tensor.codes.reshape(len(tensor.scales), -1)


def _count_ones(tensors: Tensors) -> int:
    return sum(int((t.codes.abs() == 1).sum()) for t in tensors.values() if isinstance(t, Codes))
