"""Which optimizer moves which parameter, how far, and how it goes on after a stop."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from golf.config.schema.train import OptimConfig
from golf.optim.build import Optimizers
from golf.optim.schedule import Rates

FIXTURE = Path(__file__).parent.parent / "data" / "fidelity" / "naive_step.safetensors"
SHAPES = {
    "up": (8, 4),
    "square": (4, 4),
    "square2": (4, 4),
    "table": (10, 4),
    "head": (9, 4),
    "gain": (3,),
    "resid": (4,),
    "x0": (4,),
    "adapter": (2, 4),
}
NAMED = {"table": "embed", "gain": "scalar"} | {n: n for n in ("head", "resid", "x0", "adapter")}
GROUPS = {n: NAMED.get(n, "matrix") for n in SHAPES}
CONFIG = OptimConfig(
    embed_lr=0.05, head_lr=0.01, scalar_lr=0.02, embed_wd=0.1, muon_wd=0.2, matrix_lr=0.03,
    resid_lr=0.005, adapter_lr=0.03,
)  # fmt: skip


def draw(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.randn(s, generator=generator) for n, s in SHAPES.items()}


def make(config: OptimConfig = CONFIG) -> tuple[dict[str, nn.Parameter], Optimizers]:
    parameters = {n: nn.Parameter(t) for n, t in draw(0).items()}
    return parameters, Optimizers(parameters, GROUPS, config, torch.float32)


def train(
    parameters: dict[str, nn.Parameter],
    optimizers: Optimizers,
    seeds: range,
    multiplier: float = 1.0,
    decay: float = 1.0,
) -> None:
    for seed in seeds:
        for name, grad in draw(seed).items():
            parameters[name].grad = grad
        optimizers.step(Rates(multiplier, 0.9, decay))


@pytest.mark.parametrize(
    ("name", "lr", "decay"),
    [
        ("table", 0.05, 0.1), ("head", 0.01, 0.0), ("gain", 0.02, 0.0), ("resid", 0.005, 0.0),
        ("x0", 0.02, 0.0), ("adapter", 0.03, 0.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("multiplier", [1.0, 0.25])
def test_embeddings_heads_and_scalars_move_by_their_own_rate_and_decay(
    name: str, lr: float, decay: float, multiplier: float
) -> None:
    parameters, optimizers = make()
    train(parameters, optimizers, range(1, 2), multiplier)
    start, sign = draw(0)[name], draw(1)[name].sign()  # Adam's first step is the sign
    rate = lr * multiplier
    expected = start * (1 - rate * decay) - rate * sign
    torch.testing.assert_close(parameters[name].data, expected, atol=1e-6, rtol=1e-6)


def first_step(config: OptimConfig, name: str, width: int = 1) -> Tensor:
    """Return what one step adds to a parameter."""
    parameters = {n: nn.Parameter(t) for n, t in draw(0).items()}
    train(parameters, Optimizers(parameters, GROUPS, config, torch.float32, width), range(1, 2))
    return parameters[name].detach() - draw(0)[name]


@pytest.mark.parametrize("group", ["resid", "x0"])
def test_factors_of_the_residual_stream_move_as_scalars_by_default(group: str) -> None:
    ends = {}
    for kind in (group, "scalar"):
        p = nn.Parameter(torch.ones(4))
        optimizers = Optimizers({"p": p}, {"p": kind}, OptimConfig(), torch.float32)
        for seed in range(1, 4):
            p.grad = draw(seed)["x0"]
            optimizers.step(Rates(1.0, 0.9))
        ends[kind] = p.detach()
    assert torch.equal(ends[group], ends["scalar"])


def test_the_embeddings_factors_can_have_a_longer_memory() -> None:
    p, reference = (nn.Parameter(torch.ones(4)) for _ in range(2))
    config = OptimConfig(x0_beta1=0.96, scalar_lr=0.5)
    optimizers = Optimizers({"p": p}, {"p": "x0"}, config, torch.float32)
    adam = torch.optim.Adam([reference], lr=0.5, betas=(0.96, 0.95), fused=True)
    for seed in range(1, 5):
        p.grad, reference.grad = draw(seed)["x0"], draw(seed)["x0"]
        optimizers.step(Rates(1.0, 0.9))
        adam.step()
    assert torch.equal(p, reference)


AUTORESEARCH = {
    "transformer.wte.weight": "embed", "value_embeds.1.weight": "embed",
    "lm_head.weight": "head", "resid_lambdas": "resid", "x0_lambdas": "x0",
}  # fmt: skip


def test_the_first_step_of_autoresearch_is_reproduced_by_adam() -> None:
    """Embeddings and head at rates that follow the width, factors at rates that do not."""
    start = load_file(FIXTURE.with_name("autoresearch.safetensors"))
    after = load_file(FIXTURE.with_name("autoresearch_step.safetensors"))
    parameters = {n: nn.Parameter(start[f"weight.{n}"].clone()) for n in AUTORESEARCH}
    config = OptimConfig(
        head_lr=0.004, embed_lr=0.2, scalar_lr=0.5, resid_lr=0.005, x0_beta1=0.96,
        adam_beta1=0.8, adam_beta2=0.95, adam_eps=1e-10, lr_reference_width=768,
    )  # fmt: skip
    optimizers = Optimizers(parameters, AUTORESEARCH, config, torch.float32, width=32)
    for name, p in parameters.items():
        p.grad = start[f"grad.{name}"]
    optimizers.step(Rates(1.0, 0.95))
    for name, p in parameters.items():
        ends = (p.detach(), after[f"after1.{name}"])
        update, expected = (t - start[f"weight.{name}"] for t in ends)
        assert (update - expected).norm() < 1e-4 * expected.norm(), name


def test_decay_of_scalars_shrinks_them_beside_their_step() -> None:
    plain, decayed = (first_step(OptimConfig(scalar_wd=w), "gain") for w in (0.0, 0.5))
    expected = plain - 0.04 * 0.5 * draw(0)["gain"]
    torch.testing.assert_close(decayed, expected, atol=1e-6, rtol=0)


def test_coupled_decay_passes_through_the_second_moment() -> None:
    """Adam's first step is the sign of gradient plus decay * weight, however small they are."""
    config = OptimConfig(embed_lr=0.01, embed_wd=100.0, embed_wd_mode="coupled")
    expected = -0.01 * (draw(1)["table"] + 100.0 * draw(0)["table"]).sign()
    torch.testing.assert_close(first_step(config, "table"), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("name", "scaled"), [("table", 2.0), ("head", 2.0), ("gain", 1.0)])
def test_rates_of_embedding_and_head_follow_the_width(name: str, scaled: float) -> None:
    plain = first_step(OptimConfig(), name, 192)
    reference = first_step(OptimConfig(lr_reference_width=768), name, 192)
    torch.testing.assert_close(reference, scaled * plain, atol=1e-6, rtol=0)


def test_the_decay_of_matrices_can_be_turned_down_for_a_step() -> None:
    ends = []
    for wd, factor in ((0.2, 0.5), (0.1, 1.0)):
        parameters, optimizers = make(OptimConfig(muon_wd=wd))
        train(parameters, optimizers, range(1, 3), decay=factor)
        ends.append(parameters["up"].detach())
    assert torch.equal(*ends)


def test_an_embedding_in_bfloat16_keeps_its_moments_in_bfloat16() -> None:
    """As the published baseline does; the other groups stay in float32."""
    parameters = {n: nn.Parameter(t) for n, t in draw(0).items()}
    parameters["table"].data = parameters["table"].data.bfloat16()
    reference = nn.Parameter(parameters["table"].detach().clone())
    optimizers = Optimizers(parameters, GROUPS, OptimConfig(), torch.float32)
    adam = torch.optim.Adam([reference], lr=0.05, betas=(0.9, 0.95), fused=True)
    for seed in range(1, 4):
        for name, grad in draw(seed).items():
            parameters[name].grad = grad.to(parameters[name].dtype)
        reference.grad = draw(seed)["table"].bfloat16()
        optimizers.step(Rates(1.0, 0.9))
        adam.step()
    assert torch.equal(parameters["table"], reference)
    assert optimizers.state()["table:exp_avg_sq"].dtype == torch.bfloat16
    assert optimizers.state()["gain:exp_avg"].dtype == torch.float32


def test_matrices_move_by_muon_with_its_own_decay() -> None:
    parameters, optimizers = make()
    train(parameters, optimizers, range(1, 2), 0.5)
    rate = 0.03 * 0.5
    for name in ("up", "square", "square2"):
        update = (draw(0)[name] * (1 - rate * 0.2) - parameters[name].data) / rate
        size_factor = max(1.0, update.size(0) / update.size(1)) ** 0.5
        values = torch.linalg.svdvals(update) / size_factor
        assert values.min() > 0.3
        assert values.max() < 1.2


@pytest.mark.parametrize(
    "field", ["matrix_lr", "embed_lr", "head_lr", "scalar_lr", "resid_lr", "adapter_lr"]
)
def test_a_rate_of_zero_keeps_its_group_and_moves_the_others(field: str) -> None:
    parameters, optimizers = make(OptimConfig(**{field: 0.0}))
    train(parameters, optimizers, range(1, 3))
    kept = {n for n, p in parameters.items() if torch.equal(p.data, draw(0)[n])}
    followers = {"scalar_lr": ("scalar", "resid", "x0")}.get(field, (field.removesuffix("_lr"),))
    assert kept == {n for n, g in GROUPS.items() if g in followers}


def test_the_multiplier_of_one_step_does_not_reach_the_next() -> None:
    results = []
    for first in (0.0, 1.0):
        parameters, optimizers = make(OptimConfig(adam_beta1=0.0, adam_beta2=0.0))
        train(parameters, optimizers, range(1, 2), first)
        before = parameters["table"].detach().clone()
        train(parameters, optimizers, range(2, 3), 1.0)
        results.append(parameters["table"].detach() - before)
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=0)


def test_a_step_clears_the_gradients() -> None:
    parameters, optimizers = make()
    train(parameters, optimizers, range(1, 2))
    assert all(p.grad is None for p in parameters.values())


@pytest.mark.parametrize("done", [0, 1, 3])
@pytest.mark.parametrize("config", [CONFIG, OptimConfig(muon_beta2=0.9)], ids=["muon", "normuon"])
def test_training_goes_on_from_a_saved_state_to_the_bit(config: OptimConfig, done: int) -> None:
    straight, optimizers = make(config)
    train(straight, optimizers, range(1, 1 + done))
    weights = {n: p.detach().clone() for n, p in straight.items()}
    state = {n: t.clone() for n, t in optimizers.state().items()}
    train(straight, optimizers, range(1 + done, 6))

    resumed, optimizers = make(config)
    for name, p in resumed.items():
        p.data = weights[name]
    optimizers.load_state(state)
    train(resumed, optimizers, range(1 + done, 6))
    assert all(torch.equal(resumed[n], p) for n, p in straight.items())


def test_a_state_that_is_taken_back_undoes_the_steps_since() -> None:
    parameters, optimizers = make(OptimConfig(muon_beta2=0.9))
    train(parameters, optimizers, range(1, 3))
    optimizers.load_state({})
    assert optimizers.state() == {}
    for name, p in parameters.items():
        p.data = draw(0)[name]
    train(parameters, optimizers, range(5, 7))
    fresh, other = make(OptimConfig(muon_beta2=0.9))
    train(fresh, other, range(5, 7))
    assert all(torch.equal(parameters[n], p) for n, p in fresh.items())


def test_the_state_names_every_parameter_once_it_has_moved() -> None:
    parameters, optimizers = make()
    assert optimizers.state() == {}
    train(parameters, optimizers, range(1, 2))
    fields = {"matrix": {"momentum"}, "embed": {"step", "exp_avg", "exp_avg_sq"}}
    expected = {f"{n}:{f}" for n, g in GROUPS.items() for f in fields.get(g, fields["embed"])}
    assert set(optimizers.state()) == expected


def test_a_parameter_of_no_known_group_is_refused() -> None:
    parameters = {n: nn.Parameter(t) for n, t in draw(0).items()}
    with pytest.raises(ValueError, match="every parameter needs one of the groups"):
        Optimizers(parameters, {**GROUPS, "gain": "vector"}, CONFIG, torch.float32)


def test_the_first_step_of_the_published_naive_baseline_is_reproduced() -> None:
    fixture = load_file(FIXTURE)
    names = [n.removeprefix("weight.") for n in fixture if n.startswith("weight.")]
    parameters = {n: nn.Parameter(fixture[f"weight.{n}"].clone()) for n in names}
    kinds = {"tok_emb.weight": "embed", "skip_weights": "scalar", "blocks.0.attn.q_gain": "scalar"}
    config = OptimConfig(matrix_lr=0.04, embed_lr=0.05, scalar_lr=0.04, adam_beta2=0.95)
    groups = {n: kinds.get(n, "matrix") for n in names}
    optimizers = Optimizers(parameters, groups, config, torch.bfloat16)
    for name, p in parameters.items():
        p.grad = fixture[f"grad.{name}"]
    optimizers.step(Rates(1.0, 0.95))
    for name, p in parameters.items():
        update, expected = (t - fixture[f"weight.{name}"] for t in (p, fixture[f"after1.{name}"]))
        noise = 0.03 if groups[name] == "matrix" else 1e-4  # bfloat16's, and float32's
        assert (update - expected).norm() < noise * expected.norm()


def test_newton_schulz_keeps_the_precision_that_the_settings_name() -> None:
    moved = {}
    for named, given in product(("auto", "bfloat16", "float32"), ("bfloat16", "float32")):
        parameters = {n: nn.Parameter(t) for n, t in draw(0).items()}
        config = replace(CONFIG, muon_ns_dtype=named)
        train(parameters, Optimizers(parameters, GROUPS, config, getattr(torch, given)), range(1))
        moved[named, given] = parameters["up"].detach()
    for given, other in (("bfloat16", "float32"), ("float32", "bfloat16")):
        torch.testing.assert_close(moved[given, other], moved["auto", given], rtol=0, atol=1e-4)
    assert (moved["auto", "float32"] - moved["auto", "bfloat16"]).abs().max() > 3e-4
