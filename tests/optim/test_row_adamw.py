"""Rows that still learn step as under torch's AdamW; rows that have finished stand still."""

from __future__ import annotations

import pytest
import torch

from golf.optim.row_adamw import EPSILON, RowAdamW


@pytest.mark.parametrize("betas", [(0.0, 0.999), (0.9, 0.95)])
def test_each_row_steps_like_a_tensor_under_torchs_adamw(betas: tuple[float, float]) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes, stays = [(3, 4, 5), (3, 2)], [7, 4, 2]  # steps that rows 0, 1 and 2 take
    tensors = [torch.randn(s, generator=draw) for s in shapes]
    alone = [[t[row].clone().requires_grad_() for t in tensors] for row in range(3)]
    references = [
        torch.optim.AdamW(parts, lr=0.01, betas=betas, eps=EPSILON, weight_decay=0.5)
        for parts in alone
    ]
    optimizer = RowAdamW(tensors, 0.01, betas, 0.5)
    for step in range(7):
        rows = sum(s > step for s in stays)
        gradients = [torch.randn(rows, *s[1:], generator=draw) for s in shapes]
        optimizer.step(gradients)
        for row in range(rows):
            for part, gradient in zip(alone[row], gradients, strict=True):
                part.grad = gradient[row].clone()
            references[row].step()
    for row in range(3):
        for part, tensor in zip(alone[row], tensors, strict=True):
            torch.testing.assert_close(tensor[row], part.detach(), atol=1e-6, rtol=1e-5)
