"""Nodes as a whole: what they promise about bits, files and each other."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from golf.config.machine import Launch
from golf.config.schema import KNOBS
from golf.data.validation import ValidationStream, open_validation
from golf.model.gpt import GPT
from golf.quant.artifact import read_artifact
from golf.records import write_spec
from golf.stages import entry
from golf.stages.weights import load_model
from golf.stages.world import World
from tests.conftest import CPU, TINY, Project
from tests.stages.results import context, result, weights


def test_a_cell_leaves_every_number_the_table_needs(project: Project) -> None:
    cell = project.plan().cells[0]
    project.run_cell(cell)
    train, artifact = result(project, cell.train), result(project, cell.quantize)
    assert train.measures["steps"] == TINY["train.steps"]
    assert train.measures["tokens"] == 24 * 256
    assert artifact.measures["model_bytes"] == project.files(cell.quantize).artifact.stat().st_size
    assert artifact.measures["artifact_bytes"] == sum(
        artifact.measures[n] for n in ("model_bytes", "code_bytes")
    )
    for node in (*cell.pre.values(), *cell.post.values()):
        assert 0 < result(project, node).measures["bpb"] < math.log2(384)
    assert train.environment["torch"] == torch.__version__
    assert "hostname" not in str(train.environment)


def test_post_quant_needs_nothing_but_the_artifact(lone_project: Project) -> None:
    cell = lone_project.plan().cells[0]
    post = cell.post["chunked"]
    lone_project.run(post)
    before = result(lone_project, post)
    lone_project.files(cell.train).checkpoint.unlink()
    lone_project.files(post).result.unlink()
    lone_project.run_one(post)
    assert result(lone_project, post).output_sha256 == before.output_sha256
    assert result(lone_project, post).measures["bpb"] == before.measures["bpb"]


def test_the_model_is_rebuilt_from_the_bytes_on_disk(project: Project) -> None:
    cell = project.plan().cells[0]
    project.run(cell.quantize)
    model = load_model(context(project, cell.post["chunked"]))
    stored = read_artifact(project.files(cell.quantize).artifact).weights()
    assert set(stored) == {n for n, _ in model.named_parameters()}
    for name, p in model.named_parameters():
        assert torch.equal(p, stored[name])


def slow_bpb(model: GPT, stream: ValidationStream, seq_len: int, stride: int) -> float:
    """Score one window and one target at a time, in float64."""
    nats, start, scored = 0.0, 0, 0
    while scored < stream.targets:
        end = min(start + seq_len, stream.targets)
        inputs = stream.tokens[start:end][None]
        with torch.no_grad():
            logp = model.logits(inputs)[0].double().log_softmax(-1)
        for i in range(scored, end):
            nats -= float(logp[i - start, stream.tokens[i + 1]])
        scored, start = end, end + stride - seq_len
    return nats / math.log(2) / int(stream.token_bytes[1:].sum())


@pytest.mark.parametrize("geometry, stride", [("chunked", 128), ("sliding32", 32)])
def test_bits_per_byte_equal_a_slow_reference(project: Project, geometry: str, stride: int) -> None:
    cell = project.plan({**TINY, "eval.geometries": (geometry,)}).cells[0]
    node = cell.pre[geometry]
    project.run(node)
    here = context(project, node)
    stream = open_validation(here.dataset, 2048)
    slow = slow_bpb(load_model(here), stream, 128, stride)
    assert result(project, node).measures["bpb"] == pytest.approx(slow, rel=1e-6)


def test_the_whole_split_is_scored_against_its_raw_bytes(project: Project) -> None:
    cell = project.plan({**TINY, "eval.max_tokens": None}).cells[0]
    node = cell.pre["chunked"]
    project.run(node)
    dataset = context(project, node).dataset
    measures = result(project, node).measures
    assert measures["scored_bytes"] == dataset.val_raw_bytes
    assert measures["scored_targets"] == dataset.val_tokens - 1


def test_every_geometry_is_its_own_node(project: Project) -> None:
    cell = project.plan({**TINY, "eval.geometries": ("chunked", "sliding64")}).cells[0]
    assert len({n.key for n in (*cell.pre.values(), *cell.post.values())}) == 4
    project.run(*cell.pre.values())
    chunked, sliding = (result(project, n).measures["bpb"] for n in cell.pre.values())
    assert sliding != chunked


def test_a_run_is_the_same_bits_twice_warm_and_alone(
    project: Project, lone_project: Project
) -> None:
    nodes = list(project.plan().cells[0].nodes())
    project.run(*nodes)
    for node in nodes:
        lone_project.run_one(node)
        assert result(project, node).output_sha256 == result(lone_project, node).output_sha256


def test_a_job_of_several_trainings_gives_the_same_bits(lone_project: Project) -> None:
    plan = lone_project.plan(rows={"other": {"model.depth": 3}})
    first, second = (c.train for c in plan.cells)
    lone_project.run(first, second)
    after_first = lone_project.files(second).checkpoint.read_bytes()
    lone_project.files(second).result.unlink()
    lone_project.run_one(second)
    assert lone_project.files(second).checkpoint.read_bytes() == after_first


def test_the_first_loss_is_close_to_the_logarithm_of_the_vocabulary(project: Project) -> None:
    cell = project.plan({**TINY, "train.steps": 1, "model.embed_init_std": 0.005}).cells[0]
    project.run(cell.train)
    assert result(project, cell.train).measures["train_loss_nats"] == pytest.approx(
        math.log(384), abs=0.05
    )


def test_a_budget_in_tokens_shares_the_training_of_its_steps(project: Project) -> None:
    in_tokens = {**{k: v for k, v in TINY.items() if k != "train.steps"}, "train.tokens": 24 * 256}
    assert project.plan(in_tokens).cells[0].train.key == project.plan().cells[0].train.key


def test_a_budget_in_seconds_stops_in_time_and_records_its_steps(project: Project) -> None:
    base = {**{k: v for k, v in TINY.items() if k != "train.steps"}, "train.seconds": 0.5}
    cell = project.plan(base).cells[0]
    project.run(cell.train)
    measures = result(project, cell.train).measures
    assert measures["steps"] >= 1
    assert measures["train_s"] >= 0.5
    assert measures["tokens"] == measures["steps"] * 256


def test_a_loss_that_is_not_finite_stops_the_training(lone_project: Project) -> None:
    cell = lone_project.plan({**TINY, "optim.embed_lr": 1e30}).cells[0]
    with pytest.raises(FloatingPointError, match="loss is"):
        lone_project.run_one(cell.train)
    assert lone_project.files(cell.train).failed.exists()
    assert not lone_project.files(cell.train).result.exists()


def test_a_stage_cannot_see_knobs_of_other_stages(project: Project) -> None:
    cell = project.plan().cells[0]
    for node, own in ((cell.quantize, "quant."), (cell.post["chunked"], "eval.")):
        assert node.spec
        assert all(name.startswith(own) for name in node.spec)


def test_micro_batches_do_not_change_the_mean_gradient(project: Project) -> None:
    whole, split = (
        project.plan({**TINY, "train.steps": 3, "train.micro_tokens": m}).cells[0].train
        for m in (256, 128)
    )
    project.run(whole, split)
    a, b = (weights(project.files(n).checkpoint) for n in (whole, split))
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=2e-5)


@pytest.mark.parametrize("loader", KNOBS["train.loader"].choices)
def test_every_loader_feeds_a_training(project: Project, loader: str) -> None:
    node = project.plan({**TINY, "train.steps": 8, "train.loader": loader}).cells[0].train
    project.run(node)
    assert result(project, node).measures["train_loss_nats"] < 0.9 * np.log(384)


def final_losses(project: Project, **how: object) -> list[float]:
    cell = project.plan(**how).cells[0]
    project.run_cell(cell)
    nodes = (*cell.pre.values(), *cell.post.values(), *([cell.ttt] if cell.ttt else []))
    return [result(project, n).measures["bpb"] for n in nodes]


def test_a_processor_with_bfloat16_gives_nearly_the_same_scores(project: Project) -> None:
    fine = final_losses(project)
    coarse = final_losses(project, machine=replace(CPU, cpu_bf16=True))
    assert coarse != fine
    assert coarse == pytest.approx(fine, abs=0.01)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
def test_a_compiled_training_gives_nearly_the_same_weights(project: Project) -> None:
    plain, compiled = (project.plan(launch=Launch(compile=c)).cells[0].train for c in ("off", "on"))
    project.run(plain, compiled)
    a, b = (weights(project.files(n).checkpoint) for n in (plain, compiled))
    primed = result(project, compiled).output_sha256
    project.files(compiled).result.unlink()
    project.run(compiled, runtime={"runtime.prime_steps": 0})
    assert result(project, compiled).output_sha256 == primed
    losses = [result(project, n).measures["train_loss_nats"] for n in (plain, compiled)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    assert a.keys() == b.keys()


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")  # torch's own
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("compile", ["off", "on"])
def test_a_gpu_gives_nearly_the_scores_of_the_cpu(
    project: Project, masked: bool, compile: str
) -> None:
    """Needs CUDA; the same spec in bfloat16 there against float32 here."""
    masks = {"model.window_pattern": "SL", "train.loader": "packed"} if masked else {}
    base = {**TINY, **masks}
    here = final_losses(project, base=base)
    gpu = replace(CPU, gpus=1, gpu_name=torch.cuda.get_device_name())
    project.world, cpu_world = World(0, 1, torch.device("cuda")), project.world
    try:
        there = final_losses(project, base=base, machine=gpu, launch=Launch(compile=compile))
    finally:
        project.world = cpu_world
    assert there == pytest.approx(here, abs=0.02)


def test_another_number_of_processes_than_the_key_promises_is_refused(
    lone_project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    node = lone_project.plan(launch=Launch(nproc_per_node=2)).cells[0].train
    write_spec(lone_project.files(node), node.record({}))
    assert entry.main([str(lone_project.files(node).folder)]) == 2
    assert "belong to 2 processes, this is 1" in capsys.readouterr().err
