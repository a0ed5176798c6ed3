"""Selective pruning: only ones go, smallest scales first, no more than needed."""

from __future__ import annotations

import zlib

import pytest
import torch
from torch import Tensor

from golf.errors import GolfError
from golf.quant.grid import Codes, quantize_rows
from golf.quant.prune import Tensors, prune_ones, prune_to


def example() -> dict[str, Codes | Tensor]:
    generator = torch.Generator().manual_seed(0)
    sizes = torch.logspace(-1, 1, 16)[:, None]
    made: dict[str, Codes | Tensor] = {
        n: quantize_rows(sizes * torch.randn(16, 80, generator=generator), 4, 4.0) for n in "ab"
    }
    return made | {"gain": torch.ones(3).half()}


def codes(tensors: Tensors, name: str) -> Tensor:
    tensor = tensors[name]
    assert isinstance(tensor, Codes)
    return tensor.codes


def size(tensors: Tensors) -> int:
    return len(zlib.compress(b"".join(codes(tensors, n).numpy().tobytes() for n in "ab"), 9))


def entropy(tensors: Tensors) -> float:
    counts = torch.cat([codes(tensors, n).flatten() for n in "ab"]).unique(return_counts=True)[1]
    shares = counts / counts.sum()
    return -float((shares * shares.log2()).sum())


@pytest.mark.parametrize("count", [0, 1, 100, 10**6])
def test_just_so_many_ones_go_those_with_the_smallest_scale_first(count: int) -> None:
    before = example()
    after = prune_ones(before, count)
    ones = sum(int((codes(before, n).abs() == 1).sum()) for n in "ab")
    gone, stayed = [], []
    for name in "ab":
        old, new = codes(before, name), codes(after, name)
        changed = old != new
        assert bool((new[changed] == 0).all())
        assert bool((old[changed].abs() == 1).all())
        tensor = before[name]
        assert isinstance(tensor, Codes)
        scales = tensor.scales.float()[:, None].expand(old.shape)
        gone += scales[changed].tolist()
        stayed += scales[(new.abs() == 1)].tolist()
    assert len(gone) == min(count, ones)
    assert not gone or not stayed or max(gone) <= min(stayed)
    assert after["gain"] is before["gain"]


def test_the_target_is_met_with_few_zeroes_to_spare() -> None:
    before = example()
    target = int(0.93 * size(before))
    after = prune_to(before, target, size, entropy)
    assert 0.97 * target <= size(after) <= target
    assert prune_to(before, size(before), size, entropy).keys() == before.keys()
    untouched = prune_to(before, size(before), size, entropy)
    assert all(torch.equal(codes(untouched, n), codes(before, n)) for n in "ab")


def test_a_target_out_of_reach_is_said_to_be_so() -> None:
    with pytest.raises(GolfError, match="all codes of one pruned it still takes"):
        prune_to(example(), 40, size, entropy)
