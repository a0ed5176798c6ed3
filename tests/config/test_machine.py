"""What a machine is, and the numerics that follow from settings and processor flags."""

from __future__ import annotations

from dataclasses import replace

import pytest

from golf.config.knob import Value
from golf.config.machine import Launch, Machine, device_of, numerics, this_machine
from golf.config.schema import KNOBS
from tests.conftest import CPU, H100

DEFAULTS: dict[str, Value] = {n: k.default for n, k in KNOBS.items()}


def policy(launch: Launch, machine: Machine, **settings: Value) -> dict[str, Value]:
    values = DEFAULTS | {n.replace("__", "."): v for n, v in settings.items()}
    found = numerics(launch, machine, values)
    return {n.removeprefix("numerics."): v for n, v in found.items()}


@pytest.mark.parametrize(
    ("asked", "machine", "device"),
    [
        ("auto", CPU, "cpu"),
        ("auto", H100, "cuda"),
        ("cpu", H100, "cpu"),
        ("cuda", CPU, "cuda"),
    ],
)
def test_auto_takes_the_gpu_where_there_is_one(asked: str, machine: Machine, device: str) -> None:
    assert device_of(Launch(device=asked), machine) == device


def test_a_short_cpu_run_is_eager_float32_on_tiles_with_its_threads_named() -> None:
    assert policy(Launch(threads=2), CPU) == {
        "device": "cpu",
        "world_size": 1,
        "dtype": "float32",
        "compile": False,
        "attention": "tiles",
        "threads": 2,
    }


def test_a_gpu_run_says_nothing_of_threads() -> None:
    found = policy(Launch(nproc_per_node=8, threads=4), H100)
    assert (found["device"], found["world_size"], found["dtype"]) == ("cuda", 8, "bfloat16")
    assert "threads" not in found


def test_a_cpu_with_bfloat16_instructions_uses_them() -> None:
    assert policy(Launch(), replace(CPU, cpu_bf16=True))["dtype"] == "bfloat16"


@pytest.mark.parametrize(
    ("machine", "budget", "compiled"),
    [
        (CPU, {"train__steps": 200}, False),
        (CPU, {"train__steps": 10**6}, True),
        (CPU, {"train__steps": None, "train__seconds": 300.0}, False),
        (CPU, {"train__steps": None, "train__seconds": 86_400.0}, True),
        (H100, {"train__steps": 10}, False),
        (H100, {"train__steps": 10_000}, True),
        (H100, {"train__steps": None, "train__seconds": 600.0}, True),
    ],
)
def test_only_long_runs_are_compiled_unless_told(
    machine: Machine, budget: dict[str, Value], compiled: bool
) -> None:
    assert policy(Launch(), machine, **budget)["compile"] is compiled
    assert policy(Launch(compile="on"), machine, **budget)["compile"] is True
    assert policy(Launch(compile="off"), machine, **budget)["compile"] is False


@pytest.mark.parametrize("compile", ["on", "off"])
@pytest.mark.parametrize(
    ("machine", "pattern", "loader", "backend"),
    [
        (CPU, "SL", "packed", "tiles"),
        (H100, "SL", "shuffled", "flex"),
        (H100, "L", "packed", "flex"),
        (H100, "L", "shuffled", "sdpa"),
    ],
)
def test_the_attention_backend_follows_device_and_masks(
    machine: Machine, compile: str, pattern: str, loader: str, backend: str
) -> None:
    masks: dict[str, Value] = {"model__window_pattern": pattern, "train__loader": loader}
    assert policy(Launch(compile=compile), machine, **masks)["attention"] == backend


@pytest.mark.parametrize(("machine", "name"), [(CPU, "test"), (H100, "NVIDIA H100")])
def test_only_a_budget_in_seconds_names_the_device(machine: Machine, name: str) -> None:
    assert "device_name" not in policy(Launch(), machine)
    timed = policy(Launch(), machine, train__steps=None, train__seconds=5.0)
    assert timed["device_name"] == name


@pytest.mark.parametrize("fact", ["cores", "gpus"])
def test_facts_that_change_no_bits_change_no_policy(fact: str) -> None:
    assert policy(Launch(), replace(H100, **{fact: 4})) == policy(Launch(), H100)


def test_this_machine_has_a_core_and_a_name() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.cpu_name
    assert bool(machine.gpus) == bool(machine.gpu_name)


def test_hidden_gpus_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert this_machine.__wrapped__().gpus == 0
