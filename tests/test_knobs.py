"""Every knob, without naming any: what its declaration promises is what happens."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import torch

from golf.config.knob import ON, UNSET, Effect, Knob, Stage, Value
from golf.config.schema import KNOBS, group_from, is_relevant, spec_for
from golf.config.schema.model import ModelConfig
from golf.config.values import coerce
from golf.model.gpt import GPT, build_gpt
from golf.plan.graph import Cell, Node
from golf.records import read_result
from golf.stages.checkpoint import load_tensors
from tests.conftest import Project
from tests.knobs import base_for, before_and_after

ALL = pytest.mark.parametrize("knob", KNOBS.values(), ids=lambda k: k.name)
NODES = {
    Stage.TRAIN: {"train", "pre", "quantize", "post", "ttt"},
    Stage.QUANTIZE: {"quantize", "post", "ttt"},
    Stage.EVALUATE: {"pre", "post", "ttt"},
    Stage.TTT: {"ttt"},
    Stage.RUNTIME: set(),
}


def nodes(cell: Cell) -> dict[str, str]:
    """Return a cell's node keys by name; several geometries count together."""
    return {
        "train": cell.train.key,
        "pre": "+".join(n.key for n in cell.pre.values()),
        "quantize": cell.quantize.key,
        "post": "+".join(n.key for n in cell.post.values()),
        "ttt": cell.ttt.key if cell.ttt else "",
    }


@ALL
def test_a_knob_is_declared_in_full(knob: Knob) -> None:
    assert knob.help[0].islower() or knob.help.split()[0].isupper() or knob.help[0].isupper()
    assert not knob.help.endswith(".")
    assert coerce(knob, knob.example) == knob.example
    assert knob.example != knob.default
    if knob.kind in (int, float) and not knob.choices:
        assert knob.at_least is not None
    for other, allowed in knob.needs.items():
        assert other in KNOBS
        assert allowed is ON or all(coerce(KNOBS[other], a) == a for a in allowed)


@ALL
def test_the_example_changes_the_nodes_of_its_stage_and_those_after(
    project: Project, knob: Knob
) -> None:
    before, after = before_and_after(project, knob)
    changed = {name for name, key in nodes(after).items() if key != nodes(before)[name]}
    assert changed == NODES[knob.stage]


@ALL
def test_an_unmet_need_takes_the_knob_out_of_every_key(knob: Knob) -> None:
    met: dict[str, Value] = {n: k.default for n, k in KNOBS.items()} | base_for(knob)
    for other, allowed in knob.needs.items():
        need = KNOBS[other]
        switches = (True, False) if need.kind is bool else ()
        candidates = (*need.choices, *switches, need.off, need.example)
        refused = [c for c in candidates if (c == need.off if allowed is ON else c not in allowed)]
        values = {**met, other: next(c for c in refused if c is not UNSET)}
        assert not is_relevant(knob, values)
        assert knob.name not in spec_for(values, *Stage)


def randomised(spec: dict[str, Any]) -> GPT:
    """Build a model and draw every parameter from its name: zero starts would hide effects."""
    config = group_from(spec, ModelConfig)
    seq_len, vocab_size = spec.get("train.seq_len", 128), spec.get("data.vocab_size", 384)
    model = build_gpt(config, vocab_size, seq_len, "tiles", "float32")
    for name, p in model.named_parameters():
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
        p.data.normal_(0.0, 0.3, generator=torch.Generator().manual_seed(seed))
    return model


def logits(model: GPT) -> torch.Tensor:
    tokens = torch.randint(0, 336, (2, 128), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model.logits(tokens)


@ALL
def test_the_example_has_an_effect(project: Project, knob: Knob) -> None:
    before, after = before_and_after(project, knob)
    see = OBSERVERS[knob.observed]
    if knob.observed is Effect.NOTHING:
        project.files(before.train).result.unlink(missing_ok=True)
        project.run_one(before.train, {knob.name: knob.example})
        changed = see(project, before)
        project.files(before.train).result.unlink()
        assert see(project, before) == changed
    else:
        assert see(project, before) != see(project, after)


def see_logits(project: Project, cell: Cell) -> bytes:
    return logits(randomised(dict(cell.train.spec))).numpy().tobytes()


def see_parameters(project: Project, cell: Cell) -> list[bytes]:
    project.run(cell.train)
    loaded = load_tensors(project.files(cell.train).checkpoint, torch.device("cpu"))
    assert loaded is not None
    exported = [t for n, t in sorted(loaded[0].items()) if n.startswith("export.")]
    return [str(t.dtype).encode() + t.float().numpy().tobytes() for t in exported]


def see_artifact(project: Project, cell: Cell) -> bytes:
    project.run(cell.quantize)
    return project.files(cell.quantize).artifact.read_bytes()


def see_measure(project: Project, cell: Cell) -> list[float]:
    measured: list[Node] = [
        *cell.pre.values(),
        *cell.post.values(),
        *([cell.ttt] if cell.ttt else []),
    ]
    project.run(*measured)
    results = [read_result(project.files(n)) for n in measured]
    return [r.measures["bpb"] for r in results if r]


OBSERVERS = {
    Effect.NOTHING: see_parameters,
    Effect.LOGITS: see_logits,
    Effect.PARAMS_AFTER_STEPS: see_parameters,
    Effect.ARTIFACT: see_artifact,
    Effect.MEASURE: see_measure,
}
