"""A linear map without bias that hands out its weight through one accessor."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golf.model.roles import Role

ORTHOGONAL_FROM = 64


def start_uniform(weight: Tensor) -> None:
    """Fill uniformly within ±sqrt(3 / n_in): variance 1 / n_in (karpathy/autoresearch)."""
    bound = (3.0 / weight.size(1)) ** 0.5
    weight.uniform_(-bound, bound)


def start_kaiming(weight: Tensor) -> None:
    """Fill uniformly within ±1 / sqrt(n_in), PyTorch's default for linear maps."""
    bound = weight.size(1) ** -0.5
    weight.uniform_(-bound, bound)


def start_orthogonal(weight: Tensor) -> None:
    """Fill with an orthogonal matrix where both sides have 64 channels (parameter-golf)."""
    if min(weight.shape) >= ORTHOGONAL_FROM:
        nn.init.orthogonal_(weight)
    else:
        start_kaiming(weight)


STARTS: dict[str, Callable[[Tensor], object]] = {
    "zero": nn.init.zeros_,
    "uniform": start_uniform,
    "kaiming": start_kaiming,
    "orthogonal": start_orthogonal,
}


class Linear(nn.Module):
    """y = x W^T. The fp32 master weight is cast to the activations' dtype at use.

    Whatever shares, bakes or fakes weights acts in ``weight()``.

    Args:
        n_in: input channels.
        n_out: output channels.
        role: of the master weight.
        start: how the weight is filled, one of ``STARTS``.
    """

    def __init__(self, n_in: int, n_out: int, role: Role, start: str) -> None:
        super().__init__()
        self.master = nn.Parameter(torch.empty(n_out, n_in))
        with torch.no_grad():
            STARTS[start](self.master)
        self.roles = {"master": role}
        self.start = start
        self.fake: nn.Module = nn.Identity()

    def weight(self) -> Tensor:
        """Return the weight in use, (n_out, n_in)."""
        weight: Tensor = self.fake(self.shared())
        return weight

    def shared(self) -> Tensor:
        """Return the master weight after whatever its rows share."""
        return self.master

    @torch.no_grad()
    def bake(self) -> None:
        """Write into the master weight what its rows share, so that both are one."""
        self.master.copy_(self.shared())

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight().to(x.dtype))


class SharedHeadLinear(Linear):
    """A projection to heads whose last ``shared`` rows per head are their mean over all heads.

    Gradients of the shared rows are averaged over the heads; master weights stay apart until
    they are baked. Source: shared-specific attention, parameter-golf PR 1774.
    """

    def __init__(
        self, n_in: int, n_head: int, head_dim: int, shared: int, role: Role, start: str
    ) -> None:
        super().__init__(n_in, n_head * head_dim, role, start)
        self.n_head, self.n_shared = n_head, shared

    @property
    def copies(self) -> int:
        """Rows that repeat others once they are baked."""
        return (self.n_head - 1) * self.n_shared

    def shared(self) -> Tensor:
        heads = self.master.unflatten(0, (self.n_head, -1))
        own, shared = heads.tensor_split((heads.size(1) - self.n_shared,), dim=1)
        mean = shared.mean(0, keepdim=True).expand_as(shared)
        return torch.cat((own, mean), 1).flatten(0, 1)


class RmsNorm(nn.Module):
    """Root-mean-square norm over the last axis without a learned weight."""

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x)


class ScaledRmsNorm(RmsNorm):
    """The norm times a fixed factor."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * rms_norm(x)


def rms_norm(x: Tensor) -> Tensor:
    """Return x / sqrt(mean(x^2) + eps) over the last axis; no learned weight."""
    return F.rms_norm(x, (x.size(-1),))
