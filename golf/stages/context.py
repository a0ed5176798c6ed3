"""What a stage's ``main`` is given: its spec, its inputs, its folder, its fellow processes."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from golf.config.schema import group_from
from golf.config.schema.model import ModelConfig
from golf.data.prepare import Prepared, read_prepared
from golf.files import canonical_json, write_json
from golf.model.gpt import GPT, build_gpt
from golf.records import NodePaths, NodeSpec, RunPaths, read_spec
from golf.stages.world import World

PROGRESS_SECONDS = 0.3
RECOMPILES = 64  # graphs of one model: phases, batches of training and of every evaluation


@dataclass(frozen=True)
class Outcome:
    """What a stage found.

    Attributes:
        measures: numbers with units in their names.
        facts: strings and lists that belong to the numbers.
        output: the file that later nodes read; None when the measures are the output.
    """

    measures: dict[str, float]
    facts: dict[str, Any] = field(default_factory=dict)
    output: Path | None = None


class Bench:
    """What stays warm between the nodes of one job: built models and their compiled graphs."""

    def __init__(self) -> None:
        self._models: dict[str, GPT] = {}

    def fresh_model(self, settings: dict[str, Any], world: World) -> GPT:
        """Build a model with weights drawn from the present seed."""
        model = _build(settings).to(world.device)
        self._models[_shape_of(settings)] = model
        return model

    def model_with(self, settings: dict[str, Any], weights: dict[str, Tensor], world: World) -> GPT:
        """Return a model that holds ``weights``; one of the same shape is used again."""
        shape = _shape_of(settings)
        model = self._models.get(shape) or self.fresh_model(settings, world)
        model.load_state_dict(weights, strict=True)
        return model


def _shape_of(settings: dict[str, Any]) -> str:
    return canonical_json(model_settings(settings) | numerics_of(settings))


def _build(settings: dict[str, Any]) -> GPT:
    model = build_gpt(
        group_from(settings, ModelConfig),
        settings["data.vocab_size"],
        settings["train.seq_len"],
        settings["numerics.attention"],
        settings["numerics.dtype"],
    )
    if settings["numerics.compile"] or settings["numerics.attention"] == "flex":
        torch._dynamo.config.recompile_limit = RECOMPILES
    if settings["numerics.compile"]:
        model.compile(dynamic=False)
    return model


def model_settings(spec: dict[str, Any]) -> dict[str, Any]:
    """Return what rebuilding the model takes, out of a training's spec."""
    shape = ("data.vocab_size", "train.seq_len")
    return {n: v for n, v in spec.items() if n.startswith("model.") or n in shape}


def numerics_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the numerics policy out of a training's spec."""
    return {n: v for n, v in spec.items() if n.startswith("numerics.")}


@dataclass
class Context:
    """One node, as its stage sees it; with ``eager`` its model is not compiled."""

    node: NodeSpec
    folder: Path
    world: World
    bench: Bench
    last_progress: float = 0.0
    eager: bool = False

    @cached_property
    def files(self) -> NodePaths:
        return NodePaths(self.folder)

    @cached_property
    def paths(self) -> RunPaths:
        return RunPaths(self.folder.absolute().parents[2])

    @cached_property
    def dataset(self) -> Prepared:
        return read_prepared(self.paths.dataset(self.node.dataset))

    @property
    def source(self) -> NodePaths:
        """The folder of the node whose output this one reads."""
        assert self.node.source is not None, "a training has no input"
        return self.paths.node(*self.node.source)

    @cached_property
    def training(self) -> dict[str, Any]:
        """The spec of the training that everything here descends from."""
        node = self.node
        while node.source is not None:
            node = read_spec(self.paths.node(*node.source).folder)
        return node.spec

    @property
    def seed(self) -> int:
        """A seed from (training seed, stage) alone: never from rank, order or position."""
        text = f"{self.training['train.seed']}/{self.node.stage}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1

    def progress(self, step: int, of: int, note: str = "") -> None:
        """Tell whoever watches how far the node is; cheap enough to call every step."""
        now = time.time()
        if self.world.leads and (now - self.last_progress >= PROGRESS_SECONDS or step == of):
            self.last_progress = now
            state = {"stage": self.node.stage, "step": step, "of": of, "note": note, "at": now}
            write_json(self.files.progress, state)

    def reset(self) -> None:
        """Seed every generator, so that what ran before leaves no trace."""
        torch.manual_seed(self.seed)
