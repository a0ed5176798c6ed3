"""Steps of matrices against one matrix at a time, and against the published programs."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from golf.config.schema.train import OptimConfig
from golf.optim.build import ALONE
from golf.optim.mud import decorrelate
from golf.optim.muon import Muon, build_rule
from golf.optim.team import Team

FIDELITY = Path(__file__).parent.parent / "data" / "fidelity"
SHAPES = [(6, 6), (12, 6), (6, 15), (6, 6), (12, 6), (24, 6)]


def orthogonalize_slowly(matrix: Tensor, steps: int = 5) -> Tensor:
    x = matrix if matrix.size(0) <= matrix.size(1) else matrix.T
    x = x / (x.square().sum().sqrt() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x if matrix.size(0) <= matrix.size(1) else x.T


def decorrelate_slowly(matrix: Tensor, passes: int) -> Tensor:
    """Divide each row by its length, and solve T Q' = Q one row after the other."""
    q = matrix.clone() if matrix.size(0) <= matrix.size(1) else matrix.T.clone()
    for _ in range(passes):
        q = torch.stack([row / row.square().sum().sqrt() for row in q])
        solved: list[Tensor] = []
        for i, row in enumerate(q):
            for j, done in enumerate(solved):
                row = row - (q[i] @ q[j]) * done
            solved.append(row / (q[i] @ q[i]))
        q = torch.stack([row / row.square().sum().sqrt() for row in solved])
    return q if matrix.size(0) <= matrix.size(1) else q.T


def equalize_slowly(update: Tensor, second: list[float], beta2: float) -> Tensor:
    """Scale the rows of a tall or square matrix, the columns of a wide one."""
    neurons = update if update.size(0) >= update.size(1) else update.T
    scaled = []
    for i, neuron in enumerate(neurons):
        second[i] += (1 - beta2) * (float(neuron.square().mean()) - second[i])
        scaled.append(neuron / max(second[i], 1e-10) ** 0.5)
    done = torch.stack(scaled)
    done = done * (update.norm() / done.norm())
    return done if update.size(0) >= update.size(1) else done.T


def step_slowly(config: OptimConfig, momentum: Tensor, second: list[float]) -> Tensor:
    """Return the step, size factor included."""
    out, into = momentum.shape
    if config.matrix_optimizer == "mud":
        return 0.2 * max(out, into) ** 0.5 * decorrelate_slowly(momentum, config.mud_passes)
    if config.muon_row_norm:
        momentum = torch.stack([row / row.square().sum().sqrt() for row in momentum])
    update = orthogonalize_slowly(momentum)
    if config.muon_beta2 is not None:
        update = equalize_slowly(update, second, config.muon_beta2)
    return max(1.0, out / into) ** 0.5 * update


def train_slowly(config: OptimConfig, grads: list[list[Tensor]]) -> list[Tensor]:
    """Apply the rule to one matrix at a time; with cautious decay the size factor decays too."""
    done = []
    lr, momentum, decay = config.matrix_lr, config.muon_momentum, config.muon_wd
    for i, w in enumerate(draw(0)):
        buffer, second = torch.zeros_like(w), [0.0] * max(w.shape)
        for step in grads:
            share = 1 - momentum if config.muon_momentum_form == "average" else 1.0
            buffer = momentum * buffer + share * step[i]
            update = step_slowly(config, share * step[i] + momentum * buffer, second)
            if config.muon_wd_mode == "cautious":
                factor = max(1.0, w.size(0) / w.size(1)) ** 0.5
                w = w - lr * update - lr * factor * decay * torch.where(update * w >= 0, w, 0)
            else:
                w = w * (1 - lr * decay) - lr * update
        done.append(w)
    return done


def draw(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(s, generator=generator, dtype=torch.float64) for s in SHAPES]


def make(parameters: list[nn.Parameter], config: OptimConfig, team: Team = ALONE) -> Muon:
    return Muon(
        parameters, lr=config.matrix_lr, momentum=config.muon_momentum,
        weight_decay=config.muon_wd, rule=build_rule(config, torch.float64), team=team,
    )  # fmt: skip


def train(muon: Muon, parameters: list[nn.Parameter], grads: list[list[Tensor]]) -> None:
    for step in grads:
        for p, grad in zip(parameters, step, strict=True):
            p.grad = grad.clone()
        muon.step()


RULES: dict[str, dict[str, object]] = {
    "muon": {},
    "no momentum": {"muon_momentum": 0.0},
    "averaged momentum": {"muon_momentum_form": "average"},
    "decay": {"muon_wd": 0.3},
    "cautious decay": {"muon_wd": 0.3, "muon_wd_mode": "cautious"},
    "rows": {"muon_row_norm": True},
    "normuon": {"muon_beta2": 0.7},
    "rows and normuon": {"muon_row_norm": True, "muon_beta2": 0.9, "muon_wd": 0.1},
    "mud": {"matrix_optimizer": "mud", "muon_wd": 0.3},
    "one pass of mud": {"matrix_optimizer": "mud", "mud_passes": 1},
}
EACH = pytest.mark.parametrize("rule", RULES)


def config_of(rule: str) -> OptimConfig:
    return OptimConfig(**{"matrix_lr": 0.02, "muon_momentum": 0.95, **RULES[rule]})  # type: ignore[arg-type]


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


def published(name: str, config: OptimConfig, start: str, after: str) -> float:
    """Return the relative error of a published first step."""
    fixture = {**load_file(FIDELITY / start), **load_file(FIDELITY / after)}
    p = nn.Parameter(fixture[f"weight.{name}"].clone())
    p.grad = fixture[f"grad.{name}"]
    rule = build_rule(config, torch.bfloat16)
    Muon(
        [p], lr=config.matrix_lr, momentum=0.95, weight_decay=config.muon_wd, rule=rule, team=ALONE
    ).step()
    ends = (p.detach(), fixture[f"after1.{name}"])
    update, expected = (t - fixture[f"weight.{name}"] for t in ends)
    return float((update - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    ("name", "noise"),
    [
        ("blocks.0.attn.c_q.weight", 1e-5),
        ("blocks.0.attn.c_k.weight", 1e-5),
        ("blocks.0.attn.c_v.weight", 1e-5),
        ("blocks.0.mlp.proj.weight", 0.03),  # a last bit of the norm, after five steps in bfloat16
        ("blocks.0.mlp.fc.weight", 1e-5),
    ],
)
def test_the_first_step_of_the_published_baseline_is_reproduced(name: str, noise: float) -> None:
    config = OptimConfig(matrix_lr=0.04)
    assert published(name, config, "naive_step.safetensors", "naive_step.safetensors") < noise


def autoresearch_errors(**changes: object) -> Iterator[float]:
    settings = {
        "matrix_lr": 0.02, "muon_ns": "polar_safe", "muon_beta2": 0.95, "muon_wd": 0.1,
        "muon_wd_mode": "cautious", "muon_momentum_form": "average", **changes,
    }  # fmt: skip
    config = OptimConfig(**settings)  # type: ignore[arg-type]
    parts = ["attn.c_k", "attn.c_proj", "attn.c_q", "attn.c_v", "attn.ve_gate", "mlp.c_fc"]
    for part in (*parts, "mlp.c_proj"):
        name = f"transformer.h.1.{part}.weight"
        yield published(name, config, "autoresearch.safetensors", "autoresearch_step.safetensors")


def test_the_first_step_of_autoresearch_is_reproduced() -> None:
    """NorMuon, Polar Express and cautious decay at once, with all of the program's rounding."""
    assert max(autoresearch_errors()) < 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"muon_momentum_form": "sum"},
        {"muon_wd_mode": "decoupled"},
        {"muon_wd": 0.0},
        {"muon_beta2": None},
        {"muon_ns": "classic"},
        {"muon_ns": "polar"},
    ],
    ids=str,
)
def test_another_rule_misses_the_first_step_of_autoresearch(changes: dict[str, object]) -> None:
    assert sorted(autoresearch_errors(**changes))[3] > 0.02
