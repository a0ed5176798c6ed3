"""Steps of matrices against one matrix at a time, alone and shared by processes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from golf.config.schema.train import OptimConfig
from golf.optim.mud import decorrelate
from tests.optim.slow_muon import (
    EACH,
    RULES,
    SHAPES,
    config_of,
    draw,
    make,
    train,
    train_slowly,
)


@EACH
def test_batched_steps_equal_one_matrix_at_a_time(rule: str) -> None:
    config, parameters = config_of(rule), [nn.Parameter(t) for t in draw(0)]
    grads = [draw(seed) for seed in range(1, 6)]
    train(make(parameters, config), parameters, grads)
    for p, w in zip(parameters, train_slowly(config, grads), strict=True):
        torch.testing.assert_close(p.data, w, atol=1e-7, rtol=0)


class Threads:
    """A team whose processes are threads."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.parts: list[Tensor] = [torch.empty(0)] * size
        self.barrier = threading.Barrier(size, timeout=60)

    def member(self, rank: int) -> Member:
        return Member(rank, self)


class Member:
    def __init__(self, rank: int, team: Threads) -> None:
        self.rank, self.size, self.team = rank, team.size, team

    def gather(self, part: Tensor) -> Tensor:
        self.team.parts[self.rank] = part
        self.team.barrier.wait()
        whole = torch.cat(self.team.parts)
        self.team.barrier.wait()
        return whole


def in_threads(size: int, work: Callable[[Member], None]) -> None:
    team = Threads(size)
    threads = [threading.Thread(target=work, args=(team.member(r),)) for r in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@EACH
@pytest.mark.parametrize("size", [2, 3])
def test_processes_that_share_the_matrices_all_get_what_one_alone_gets(
    rule: str, size: int
) -> None:
    config, grads = config_of(rule), [draw(seed) for seed in range(1, 4)]
    results: dict[int, list[nn.Parameter]] = {}

    def work(member: Member) -> None:
        parameters = [nn.Parameter(t) for t in draw(0)]
        train(make(parameters, config, member), parameters, grads)
        results[member.rank] = parameters

    in_threads(size, work)
    alone = [nn.Parameter(t) for t in draw(0)]
    train(make(alone, config), alone, grads)
    assert sorted(results) == list(range(size))
    for rank, i in itertools.product(results, range(len(SHAPES))):
        torch.testing.assert_close(results[rank][i], alone[i], atol=1e-9, rtol=0)
        assert torch.equal(results[rank][i], results[0][i])


def test_each_process_works_on_its_share_only() -> None:
    config, seen = config_of("muon"), {}
    grads = [[torch.ones(4, 4)] * 5]

    def work(member: Member) -> None:
        parameters = [nn.Parameter(torch.zeros(4, 4)) for _ in range(5)]
        muon, counts = make(parameters, config, member), []

        def count(updates: Tensor) -> Tensor:
            counts.append(len(updates))
            return updates

        object.__setattr__(muon.rule, "direction", count)
        train(muon, parameters, grads)
        seen[member.rank] = counts

    in_threads(2, work)
    assert seen == {0: [3], 1: [3]}  # five matrices, the sixth is padding


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6)])
def test_mud_keeps_orthonormal_rows_and_makes_others_so(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(3, *shape, generator=generator, dtype=torch.float64)
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    torch.testing.assert_close(decorrelate(u @ v, 2), u @ v, atol=1e-6, rtol=0)
    values = torch.linalg.svdvals(decorrelate(matrices, 10))
    torch.testing.assert_close(values, torch.ones_like(values), atol=1e-3, rtol=0)


def test_mud_leaves_rows_of_zeros() -> None:
    matrices = torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(0))
    matrices[0, 1] = 0
    found = decorrelate(matrices, 2)
    assert found.isfinite().all()
    assert not found[0, 1].any()


@pytest.mark.parametrize("shape", [(4, 8), (8, 4), (6, 6)])
def test_normuon_keeps_the_size_of_the_step(shape: tuple[int, int]) -> None:
    starts = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    steps = []
    for beta2 in (None, 0.9):
        p = nn.Parameter(starts[0].clone())
        p.grad = starts[1]
        make([p], OptimConfig(muon_beta2=beta2, matrix_lr=1.0)).step()
        steps.append(p.detach() - starts[0])
    torch.testing.assert_close(steps[0].norm(), steps[1].norm())
    assert (steps[0] - steps[1]).norm() > 0.01 * steps[0].norm()


@pytest.mark.parametrize("rule", ["muon", "rows", "normuon", "mud"])
def test_the_size_of_the_gradient_does_not_matter(rule: str) -> None:
    results = []
    for scale in (1.0, 1000.0):
        parameters = [nn.Parameter(t) for t in draw(0)]
        train(make(parameters, config_of(rule)), parameters, [[scale * g for g in draw(1)]])
        results.append(parameters)
    for small, large in zip(*results, strict=True):
        torch.testing.assert_close(small.data, large.data, atol=1e-6, rtol=0)


@EACH
def test_decay_shrinks_a_matrix_whose_gradient_is_zero(rule: str) -> None:
    parameters = [nn.Parameter(t) for t in draw(0)]
    zeros = [torch.zeros_like(t) for t in draw(0)]
    config = OptimConfig(**{**RULES[rule], "matrix_lr": 0.1, "muon_wd": 0.5})  # type: ignore[arg-type]
    train(make(parameters, config), parameters, [zeros])
    for p, start in zip(parameters, draw(0), strict=True):
        tall = max(1.0, p.size(0) / p.size(1)) ** 0.5 if rule == "cautious decay" else 1.0
        torch.testing.assert_close(p.data, start * (1 - 0.05 * tall))


def test_a_matrix_without_a_gradient_stays_as_it_was() -> None:
    parameters = [nn.Parameter(t) for t in draw(0)]
    for p, grad in zip(parameters[1:], draw(1)[1:], strict=True):
        p.grad = grad
    make(parameters, config_of("decay")).step()
    assert [torch.equal(p, t) for p, t in zip(parameters, draw(0), strict=True)] == [
        i == 0 for i in range(len(SHAPES))
    ]


def test_gradients_are_left_as_they_were() -> None:
    parameters = [nn.Parameter(t) for t in draw(0)]
    train(make(parameters, config_of("rows and normuon")), parameters, [draw(1)])
    assert all(map(torch.equal, [p.grad for p in parameters], draw(1)))
