"""Hessians against hooks on the linear maps themselves, in float64."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.multiprocessing import spawn

from golf.config.knob import Value
from golf.config.schema import group_from
from golf.config.schema.quant import QuantConfig
from golf.model.gpt import GPT
from golf.model.linear import Linear
from golf.plan.graph import Cell
from golf.quant.artifact import read_artifact
from golf.quant.grid import Codes
from golf.records import NodeSpec, read_result
from golf.stages.calibrate import calibration_batches, collect_hessians
from golf.stages.context import Bench, Context
from golf.stages.weights import load_model
from golf.stages.world import join_world, leave_world
from tests.conftest import TINY, Project

GPTQ: dict[str, Value] = {
    **TINY, "quant.method": "gptq", "quant.calib_batches": 3, "quant.calib_tokens": 300,
}  # fmt: skip
LOOPED: dict[str, Value] = {
    "model.depth": 3, "model.loop_start": 1, "model.loop_end": 1, "model.loop_count": 2,
}  # fmt: skip
SHAPES: dict[str, dict[str, Value]] = {
    "plain": {},
    "looped": LOOPED,
    "swiglu": {"model.mlp_act": "swiglu"},
    "untied": {"model.tied": False},
    "shared": {"model.shared_head_dim": 8, "model.rope_dims": 16},
}


def opened(project: Project, values: dict[str, Value]) -> tuple[Cell, Context, GPT, QuantConfig]:
    cell = project.plan({**GPTQ, **values}).cells[0]
    project.run(cell.train)
    files = project.files(cell.quantize)
    context = Context(cell.quantize.record({}), files.folder, project.world, Bench())
    model = load_model(context)
    model.bake()
    return cell, context, model, group_from(cell.quantize.spec, QuantConfig)


def hooked(model: GPT, batches: list[Tensor]) -> dict[str, Tensor]:
    """Sum x x^T in float64 by hooks on the modules: what each linear map really reads."""
    sums: dict[str, Tensor] = {}

    def hook(name: str):  # type: ignore[no-untyped-def]
        def add(_: object, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].flatten(0, -2).double()
            sums[name] = sums.get(name, 0) + x.T @ x

        return add

    handles = [
        part.register_forward_pre_hook(hook(f"{name}.master"))
        for name, part in model.blocks.named_modules(prefix="blocks")
        if isinstance(part, Linear)
    ]
    handles.append(model.head.register_forward_pre_hook(hook("head")))
    with torch.no_grad():
        for tokens in batches:
            model.logits(tokens)
    for handle in handles:
        handle.remove()
    return sums


@pytest.mark.parametrize("shape", SHAPES)
def test_hessians_are_what_the_maps_read(project: Project, shape: str) -> None:
    _, context, model, config = opened(project, SHAPES[shape])
    batches = list(calibration_batches(context, model, config))
    assert [tuple(b.shape) for b in batches] == [(3, 128)] * 3
    expected, found = hooked(model, batches), collect_hessians(context, model, config)
    head = "head.out.master" if shape == "untied" else "embed_VC"
    expected[head] = expected.pop("head")
    assert found.keys() == expected.keys()
    for name, hessian in found.items():
        assert torch.equal(hessian, hessian.T)
        scale = float(expected[name].abs().max())
        torch.testing.assert_close(hessian.double(), expected[name], rtol=0, atol=1e-5 * scale)
    first = [found[f"blocks.0.attention.{n}.master"] for n in "qkv"]
    assert first[0] is first[1] is first[2]


def collect_as(rank: int, port: int, node: NodeSpec, folder: Path, out: Path) -> None:
    """Collect Hessians as one of two processes, and save them."""
    os.environ |= {
        "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(port),
    }  # fmt: skip
    context = Context(node, folder, join_world("cpu"), Bench())
    model = load_model(context)
    model.bake()
    found = collect_hessians(context, model, group_from(node.spec, QuantConfig))
    save_file({n: h.clone() for n, h in found.items()}, out / f"{rank}.safetensors")
    leave_world()


def test_a_process_without_a_batch_has_the_sums_of_the_others(
    project: Project, tmp_path: Path
) -> None:
    cell, context, model, config = opened(project, {"quant.calib_batches": 1})
    alone = collect_hessians(context, model, config)
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    given = (port, cell.quantize.record({}), context.folder, tmp_path)
    running, deadline = spawn(collect_as, given, nprocs=2, join=False), time.monotonic() + 120
    try:
        while not running.join(timeout=1):
            assert time.monotonic() < deadline, "the processes wait for each other"
    finally:
        for process in running.processes:
            process.kill()
    for rank in range(2):
        found = load_file(tmp_path / f"{rank}.safetensors")
        assert found.keys() == alone.keys()
        assert all(torch.equal(found[n], alone[n]) for n in alone)


def test_every_pass_of_a_loop_counts(project: Project) -> None:
    _, context, model, config = opened(project, LOOPED)
    found = collect_hessians(context, model, config)
    tokens = 3 * 3 * 128
    passes = [float(found[f"blocks.{i}.attention.q.master"].trace()) / 64 / tokens for i in (0, 1)]
    assert passes == pytest.approx([1.0, 3.0], rel=1e-3), "inputs have a mean square of one"


def test_shared_rows_are_baked_before_they_are_rounded(project: Project) -> None:
    cell = project.plan({**GPTQ, **SHAPES["shared"]}).cells[0]
    project.run(cell.quantize)
    tensor = read_artifact(project.files(cell.quantize).artifact).tensors
    codes = tensor["blocks.0.attention.q.master"]
    assert isinstance(codes, Codes)
    heads = codes.codes.unflatten(0, (2, 32))
    assert torch.equal(heads[0, -8:], heads[1, -8:])
    assert not torch.equal(heads[0, :24], heads[1, :24])


def test_text_of_the_models_own_is_seeded_and_needs_no_shards(project: Project) -> None:
    _, context, model, config = opened(project, {})
    own = replace(config, calib_source="self", calib_tokens=200)
    batches = list(calibration_batches(context, model, own))
    again = list(calibration_batches(context, model, own))
    assert [tuple(b.shape) for b in batches] == [(2, 128)] * 3
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))
    assert not torch.equal(batches[0], batches[1])
    other = next(calibration_batches(context, model, replace(own, calib_seed=5)))
    assert not torch.equal(batches[0], other)
    model_free = torch.randint(0, 384, (2, 128))
    with torch.no_grad():
        likely = [float(model(b[:, :-1], b[:, 1:]).mean()) for b in (batches[0], model_free)]
    assert likely[0] < likely[1] - 0.5


def test_gptq_loses_less_than_rounding_at_few_bits(project: Project) -> None:
    few = {"quant.bits": 3, "quant.embed_bits": 4}
    scores = []
    for method in ("rtn", "gptq"):
        values = {k: v for k, v in GPTQ.items() if "calib" not in k} | few
        cell = project.plan({**values, "quant.method": method}).cells[0]
        project.run_cell(cell)
        found = read_result(project.files(cell.post["chunked"]))
        assert found
        scores.append(found.measures["bpb"])
    assert scores[1] < scores[0]
