"""Muon against one matrix at a time, and against the published program's first step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from golf.optim.muon import Muon

FIXTURE = Path(__file__).parent.parent / "data" / "fidelity" / "naive_step.safetensors"
SHAPES = [(6, 6), (12, 6), (6, 15), (6, 6), (12, 6), (24, 6)]


def orthogonalize_slowly(matrix: Tensor, steps: int) -> Tensor:
    x = matrix if matrix.size(0) <= matrix.size(1) else matrix.T
    x = x / (x.square().sum().sqrt() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x if matrix.size(0) <= matrix.size(1) else x.T


def train_slowly(
    matrices: list[Tensor], grads: list[list[Tensor]], lr: float, momentum: float, decay: float
) -> list[Tensor]:
    """Apply Muon to one matrix at a time."""
    done = []
    for i, start in enumerate(matrices):
        w, buffer = start.clone(), torch.zeros_like(start)
        for step in grads:
            buffer = momentum * buffer + step[i]
            update = orthogonalize_slowly(step[i] + momentum * buffer, 5)
            factor = max(1.0, w.size(0) / w.size(1)) ** 0.5
            w = w * (1 - lr * decay) - lr * factor * update
        done.append(w)
    return done


def draw(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=torch.float64) for s in SHAPES]


def make(parameters: list[nn.Parameter], **changes: float) -> Muon:
    settings = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.0, **changes}
    return Muon(parameters, ns_steps=5, dtype=torch.float64, **settings)


def train(muon: Muon, parameters: list[nn.Parameter], grads: list[list[Tensor]]) -> None:
    for step in grads:
        for p, grad in zip(parameters, step, strict=True):
            p.grad = grad.clone()
        muon.step()


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("momentum", [0.0, 0.95])
def test_batched_steps_equal_one_matrix_at_a_time(decay: float, momentum: float) -> None:
    parameters = [nn.Parameter(t) for t in draw(0)]
    grads = [draw(seed) for seed in range(1, 6)]
    train(make(parameters, momentum=momentum, weight_decay=decay), parameters, grads)
    expected = train_slowly(draw(0), grads, 0.02, momentum, decay)
    for p, w in zip(parameters, expected, strict=True):
        torch.testing.assert_close(p.data, w, atol=1e-9, rtol=0)


def test_the_size_of_the_gradient_does_not_matter() -> None:
    results = []
    for scale in (1.0, 1000.0):
        parameters = [nn.Parameter(t) for t in draw(0)]
        train(make(parameters), parameters, [[scale * g for g in draw(1)]])
        results.append(parameters)
    for small, large in zip(*results, strict=True):
        torch.testing.assert_close(small.data, large.data, atol=1e-6, rtol=0)


def test_decay_shrinks_a_matrix_whose_gradient_is_zero() -> None:
    parameters = [nn.Parameter(t) for t in draw(0)]
    zeros = [torch.zeros_like(t) for t in draw(0)]
    train(make(parameters, lr=0.1, weight_decay=0.5), parameters, [zeros])
    for p, start in zip(parameters, draw(0), strict=True):
        torch.testing.assert_close(p.data, start * 0.95)


def test_gradients_are_left_as_they_were() -> None:
    parameters = [nn.Parameter(t) for t in draw(0)]
    train(make(parameters), parameters, [draw(1)])
    assert all(map(torch.equal, [p.grad for p in parameters], draw(1)))


@pytest.mark.parametrize(
    ("name", "noise"),
    [
        ("blocks.0.attn.c_q.weight", 1e-5),
        ("blocks.0.attn.c_k.weight", 1e-5),
        ("blocks.0.attn.c_v.weight", 1e-5),
        ("blocks.0.mlp.proj.weight", 0.03),  # a last bit of the norm, after five steps in bfloat16
        ("blocks.0.mlp.fc.weight", 0.003),  # the program rounds sqrt(2) * update to bfloat16
    ],
)
def test_the_first_step_of_the_published_program_is_reproduced(name: str, noise: float) -> None:
    fixture = load_file(FIXTURE)
    p = nn.Parameter(fixture[f"weight.{name}"].clone())
    p.grad = fixture[f"grad.{name}"]
    Muon([p], lr=0.04, momentum=0.95, ns_steps=5, weight_decay=0.0, dtype=torch.bfloat16).step()
    update, expected = (t - fixture[f"weight.{name}"] for t in (p, fixture[f"after1.{name}"]))
    assert (update - expected).norm() < noise * expected.norm()
