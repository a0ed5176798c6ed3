"""Run a published model in golf and say how far its numbers are off."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from golf.config.schema import group_from
from golf.config.schema.model import ModelConfig
from golf.config.schema.train import OptimConfig, TrainConfig
from golf.model.gpt import GPT, build_gpt
from golf.model.roles import roles_of
from golf.model.route import build_route
from golf.optim.build import Optimizers
from golf.optim.schedule import Progress, rates_at
from tests.fidelity.names import published
from tests.fidelity.published import spec_of

Tensors = dict[str, Tensor]


@dataclass
class Difference:
    """How far golf's numbers are from the published ones.

    Attributes:
        logits, loss: largest difference, relative to the largest entry.
        grads: the same, for the worst parameter; by name in ``by_name``.
        one_step, steps: relative l2 error of the updates after one and after all steps, median
            over the parameters; None where the file has no steps.
        up: the same after all steps, over the MLP's up-projections.
    """

    logits: float
    loss: float
    grads: float
    one_step: float | None = None
    steps: float | None = None
    up: float | None = None
    by_name: dict[str, float] = field(default_factory=dict)


def build(entry: dict[str, Any], tensors: Tensors, attention: str = "tiles") -> GPT:
    """Return golf's model of ``entry``, holding the published weights."""
    spec = spec_of(entry, shapes_of(tensors))
    config = group_from(spec, ModelConfig)
    model = build_gpt(config, spec["data.vocab_size"], spec["train.seq_len"], attention, "float32")
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(published(tensors, "weight", name, config.depth)[0].view_as(p))
    if not entry.get("looping_active", True):
        model.route = build_route(config, 0)
    return model


def shapes_of(tensors: Tensors) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a file's weights by their published names."""
    weights = {n.removeprefix("weight."): t for n, t in tensors.items() if n.startswith("weight.")}
    return {n: tuple(t.shape) for n, t in weights.items()}


def compare(entry: dict[str, Any], tensors: Tensors, attention: str = "tiles") -> Difference:
    """Return how far golf is off on one file, with one of its ways to attend."""
    model = build(entry, tensors, attention)
    inputs, targets = tensors["tokens"][0, :, :-1].long(), tensors["tokens"][0, :, 1:].long()
    logits = model.logits(inputs).detach()
    loss = model(inputs, targets).mean()
    loss.backward()
    depth = model.config.depth
    by_name = {
        name: _relative(_grad(p), *_published_grad(tensors, name, depth))
        for name, p in model.named_parameters()
    }
    found = Difference(
        _relative(logits, tensors["logits"], tensors["logits"]),
        abs(float(loss.detach()) - entry["loss"]) / entry["loss"],
        max(by_name.values()),
        by_name=by_name,
    )
    if any(name.startswith("after1.") for name in tensors):
        _take_steps(entry, tensors, found)
    return found


def _grad(p: torch.nn.Parameter) -> Tensor:
    return torch.zeros_like(p) if p.grad is None else p.grad


def _published_grad(tensors: Tensors, name: str, depth: int) -> tuple[Tensor, Tensor]:
    """Return a published gradient and its bank; zeros for what the program has no use for."""
    try:
        return published(tensors, "grad", name, depth)
    except KeyError:
        weight, _ = published(tensors, "weight", name, depth)
        return torch.zeros_like(weight), torch.zeros_like(weight)


def _relative(ours: Tensor, theirs: Tensor, bank: Tensor) -> float:
    """Return the largest difference, relative to the largest entry of the published tensor."""
    return float((ours - theirs.view_as(ours)).abs().max() / bank.abs().max().clamp_min(1e-30))


def _take_steps(entry: dict[str, Any], tensors: Tensors, found: Difference) -> None:
    """Train on the file's batches as golf does."""
    spec, model = spec_of(entry, shapes_of(tensors)), build(entry, tensors)
    train, optim = group_from(spec, TrainConfig), group_from(spec, OptimConfig)
    groups = {name: role.group for name, role in roles_of(model).items()}
    parameters = dict(model.named_parameters())
    optimizers = Optimizers(parameters, groups, optim, model.dtype, model.config.model_dim)
    batches = tensors["tokens"].long()
    for step, batch in enumerate(batches):
        model(batch[:, :-1], batch[:, 1:]).mean().backward()
        if train.grad_clip:
            clip_grad_norm_(model.parameters(), train.grad_clip)
        optimizers.step(rates_at(train, optim, Progress(step, step / len(batches), 0.0)))
        if step == 0:
            found.one_step = median(_updates(model, tensors, "after1").values())
    errors = _updates(model, tensors, "after")
    found.steps = median(errors.values())
    found.up = median(e for name, e in errors.items() if name.endswith("mlp.up.master"))


def _updates(model: GPT, tensors: Tensors, kind: str) -> dict[str, float]:
    """Return the relative l2 error of each parameter's update."""
    depth, found = model.config.depth, {}
    for name, p in model.named_parameters():
        start = published(tensors, "weight", name, depth)[0].view_as(p)
        theirs = published(tensors, kind, name, depth)[0].view_as(p) - start
        norm = float(theirs.norm())
        found[name] = float((p.detach() - start - theirs).norm()) / (norm or math.inf)
    return found
