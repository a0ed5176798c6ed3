"""Low-rank adapters that hang on a model's taps, a set of their own for every row of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from golf.model.gpt import GPT
from golf.model.route import Slot

Point = tuple[int, str]  # slot of the route (-1: the head), name of the tap
TAPS = {"q": "q", "k": "k", "v": "v", "o": "attn", "mlp": "mlp", "head": "head"}


def adapter_shapes(model: GPT, targets: Sequence[str]) -> dict[Point, tuple[int, int]]:
    """Return the channels in and out at every point of a forward pass named by ``targets``."""
    names = {TAPS[t] for t in targets}
    found: dict[Point, tuple[int, int]] = {}

    def probe(slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        if name in names:
            found[slot.index, name] = (x.size(-1), y.size(-1))
        return y

    with torch.no_grad():
        model.logits(
            torch.zeros(1, 2, dtype=torch.long, device=model.embed_VC.device), None, (probe,)
        )
    return found


class RowAdapters:
    """A tap that adds scale * (x A^T) B^T, with A (rank, in) and B (out, rank) of each row.

    Block r of a loop has adapters of its own in every pass. ``o`` is fed by attention's input
    and added to its output; with B at zero the model is unchanged to the bit.
    Source: parameter-golf, LoRA TTT of March 2026 and PR 1530.

    Args:
        shapes: from ``adapter_shapes``.
        rows: adapters side by side.
        rank: channels between A and B.
        scale: alpha / rank.
        device: where they live.
    """

    def __init__(
        self,
        shapes: dict[Point, tuple[int, int]],
        rows: int,
        rank: int,
        scale: float,
        device: torch.device,
    ) -> None:
        self.scale = scale
        self.a = {p: torch.zeros(rows, rank, n, device=device) for p, (n, _) in shapes.items()}
        self.b = {p: torch.zeros(rows, n, rank, device=device) for p, (_, n) in shapes.items()}
        self.active: dict[Point, tuple[Tensor, Tensor]] = {}

    @property
    def tensors(self) -> list[Tensor]:
        """Every A and B, in the order of ``leaves``."""
        return [t for p in self.a for t in (self.a[p], self.b[p])]

    @property
    def leaves(self) -> list[Tensor]:
        """The parts in use, with respect to which gradients are taken."""
        return [t for pair in self.active.values() for t in pair]

    def use(self, rows: int) -> None:
        """Let the first ``rows`` adapters act, one on each row of the next batch."""
        self.active = {
            p: (self.a[p][:rows].requires_grad_(), self.b[p][:rows].requires_grad_())
            for p in self.a
        }

    def draw(self, generator: torch.Generator, lanes: int, mine: Sequence[int]) -> None:
        """Fill A uniformly within ±1 / sqrt(in), as row ``mine[i]`` of ``lanes`` would be."""
        for a in self.a.values():
            whole = torch.empty(lanes, *a.shape[1:], device=a.device)
            bound = a.size(2) ** -0.5
            a.copy_(whole.uniform_(-bound, bound, generator=generator)[list(mine)])

    def __call__(self, slot: Slot, name: str, x: Tensor, y: Tensor) -> Tensor:
        """Return y with the adapters of this point added, if it has any."""
        pair = self.active.get((slot.index, name))
        if pair is None:
            return y
        a, b = (t.to(x.dtype) for t in pair)
        return y + self.scale * ((x @ a.mT) @ b.mT)
