"""What accompanies the residual stream through one forward pass, and the taps along it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor, nn

from golf.model.attend import Masks
from golf.model.route import Slot

Tap = Callable[[Slot, str, Tensor, Tensor], Tensor]
Lanes = tuple[Tensor, Tensor]


@dataclass
class Carry:
    """Seen by every block of one forward pass.

    Attributes:
        tokens_BT: input tokens.
        x0_BTC: the normalised embedding.
        starts_BT: where each token's document begins within its row; None for rows that
            attend across documents.
        lanes: how two lanes are mixed.
        taps: called as ``tap(slot, name, x, y)`` at every named point, with what a map read
            and what it gave; what they return goes on in place of y. Names: ``q``, ``k``,
            ``v``, ``out``, ``up``, ``down`` and ``gate`` (SwiGLU) for linear maps, ``attn``
            and ``mlp`` for whole branches, ``head`` for the logits before their cap.
        slot: the step of the route that is being taken.
        values_BTC: what the shared value table adds to values, where there is one.
        first_v_BTKD: the values of the first block, once they are known.
        last: how many positions at the end the present block has to give; None for all. Set in
            the last block of a pass whose caller wants no more.
        masks: what attention has found about who sees whom, for the layers that ask again.
    """

    tokens_BT: Tensor
    x0_BTC: Tensor
    starts_BT: Tensor | None
    lanes: nn.Module
    taps: tuple[Tap, ...]
    slot: Slot
    values_BTC: Tensor | None = None
    first_v_BTKD: Tensor | None = None
    last: int | None = None
    masks: Masks = field(default_factory=dict)

    def at(self, slot: Slot, last: int | None = None) -> Carry:
        """Return what is seen at the next step of the route.

        A new one for each step: torch 2.13 forgets attributes that are set anew in a compiled
        frame once flex attention has been called there.
        """
        return Carry(
            self.tokens_BT, self.x0_BTC, self.starts_BT, self.lanes, self.taps, slot,
            self.values_BTC, self.first_v_BTKD, last, self.masks,
        )  # fmt: skip

    def through(self, name: str, run: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        """Return ``run(x)`` as the taps of this point leave it.

        Where ``run`` gives the last positions only, taps see what it read there.
        """
        y = run(x)
        read = x if y.size(1) == x.size(1) else self.end(x)
        for tap in self.taps:
            y = tap(self.slot, name, read, y)
        return y

    def end(self, x: Tensor, dim: int = 1) -> Tensor:
        """Return x at the positions that the present block has to give."""
        return x if self.last is None else x.narrow(dim, x.size(dim) - self.last, self.last)
