"""At *off* a knob leaves nothing behind: the same parameters, logits, steps, files and scores.

A knob at its off value is left out of the spec, together with the knobs that are read only where
it is on. Here they are put back in, the others at their examples, straight into the spec that a
stage is given: whatever part of the technique still looked at them would change a bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from golf.config.knob import UNSET, Knob, Stage, Value
from golf.config.schema import KNOBS, is_relevant, spec_for
from golf.errors import GolfError
from golf.files import canonical_json
from golf.plan.graph import Cell, Node
from golf.records import NodeSpec, read_result
from golf.stages.context import Bench, Context
from golf.stages.entry import run_node
from golf.stages.train import Training
from tests.conftest import Project
from tests.knobs import base_for

SWITCHED = [k for k in KNOBS.values() if k.off is not UNSET and k.stage is not Stage.RUNTIME]
IN_TRAINING, AFTER = ([k for k in SWITCHED if (k.stage is Stage.TRAIN) is t] for t in (True, False))
STEPS: dict[str, Value] = {"train.steps": 3}
Bits = dict[str, bytes]


def name_of(knob: Knob) -> str:
    return knob.name


@pytest.mark.parametrize("knob", SWITCHED, ids=name_of)
def test_off_is_left_out_of_the_spec(knob: Knob) -> None:
    values = {n: k.default for n, k in KNOBS.items()} | base_for(knob) | {knob.name: knob.off}
    assert knob.name not in spec_for(values, *Stage)


def cell_at_off(project: Project, knob: Knob) -> Cell:
    """Return a tiny cell whose knob is off, in surroundings where it could be on."""
    base = base_for(knob) | {knob.name: knob.off}
    base |= {n: v for n, v in STEPS.items() if n != knob.name}
    try:
        return project.plan(base).cells[0]
    except GolfError:  # only the example makes its surroundings legal
        return project.plan({n: v for n, v in base.items() if n not in knob.example_with}).cells[0]


def remains(cell: Cell, knob: Knob) -> dict[str, Value]:
    """Return the knob at off, and examples for what is read only where it is on."""
    values = dict(cell.row.values)
    on = values | {knob.name: knob.example}
    idle = [k for k in KNOBS.values() if is_relevant(k, on) and not is_relevant(k, values)]
    return {k.name: k.example for k in idle if k.stage is knob.stage} | {knob.name: knob.off}


def context(project: Project, node: Node, extra: dict[str, Value]) -> Context:
    record: NodeSpec = node.record({})
    extra = {n: list(v) if isinstance(v, tuple) else v for n, v in extra.items()}
    folder = project.files(node).folder.with_name(f"off-{node.key}")
    spec: dict[str, Any] = record.spec | extra
    return Context(replace(record, spec=spec), folder, project.world, Bench())


def bits(tensors: dict[str, torch.Tensor]) -> Bits:
    return {n: str(t.dtype).encode() + t.float().numpy().tobytes() for n, t in tensors.items()}


def trained(here: Context) -> Bits:
    """Return drawn parameters, logits, and everything that three steps have made of them.

    Every parameter is drawn: gates and maps that start at zero would hide what they do.
    """
    training = Training(here)
    draw = torch.Generator().manual_seed(0)
    for learner in training.learners.values():
        for p in learner.parameters.values():
            p.data.normal_(0.0, 0.1, generator=draw)
    learner = training.learner
    found = bits({f"start {n}": p.detach() for n, p in learner.parameters.items()})
    with torch.no_grad():
        tokens = torch.randint(4, 336, (2, 128), generator=draw)
        found |= bits({"logits": learner.model.logits(tokens)})
    for _ in range(3):
        training.step()
    return found | bits(training.learner.state())


REFERENCES: dict[str, Bits] = {}


@pytest.mark.parametrize("knob", IN_TRAINING, ids=name_of)
def test_a_training_at_off_is_the_training_without_the_knob(project: Project, knob: Knob) -> None:
    cell = cell_at_off(project, knob)
    project.prepare(cell.train)
    without = context(project, cell.train, {})
    assert knob.name not in without.node.spec
    reference = canonical_json(without.node.spec)
    if reference not in REFERENCES:
        REFERENCES[reference] = trained(without)
    expected = REFERENCES[reference]
    found = trained(context(project, cell.train, remains(cell, knob)))
    assert list(found) == list(expected)
    assert [n for n in found if found[n] != expected[n]] == []


@pytest.mark.parametrize("knob", AFTER, ids=name_of)
def test_a_later_stage_at_off_gives_what_it_gives_without_the_knob(
    project: Project, knob: Knob
) -> None:
    cell = cell_at_off(project, knob)
    nodes = {
        Stage.QUANTIZE: cell.quantize, Stage.EVALUATE: cell.pre["chunked"], Stage.TTT: cell.ttt,
    }  # fmt: skip
    node = nodes[knob.stage]
    if node is None:  # without a method there is no test-time training at all
        assert knob.name == "ttt.method"
        return
    project.run(node)
    here = context(project, node, remains(cell, knob))
    run_node(here)
    expected, found = read_result(project.files(node)), read_result(here.files)
    assert expected and found
    assert found.output_sha256 == expected.output_sha256
    assert found.measures.get("bpb") == expected.measures.get("bpb")
