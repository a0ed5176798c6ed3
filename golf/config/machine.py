"""What this machine is, told without importing torch, and the numerics policy that follows.

Device type, world size, threads, dtype, compilation and attention backend change bits, so they
are part of a training's key. They follow from the settings and from processor flags, never
from a timing: the same spec on the same kind of machine gets the same policy.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
from functools import cache
from pathlib import Path

from golf.config.knob import Value, Values
from golf.frozen import Frozen

BF16_FLAGS = {"avx512_bf16", "amx_bf16"}
COMPILE_STEPS = {"cpu": 20_000, "cuda": 1_000}
COMPILE_SECONDS = {"cpu": 3_600.0, "cuda": 120.0}


class Machine(Frozen):
    """The facts about a machine that planning needs."""

    cores: int
    cpu_name: str
    cpu_bf16: bool
    gpus: int
    gpu_name: str


class Launch(Frozen):
    """How a job is started: the ``launch:`` section of a matrix.

    Attributes:
        nproc_per_node: processes of one job (``torchrun --nproc-per-node``).
        device: ``cpu``, ``cuda`` or ``auto`` (cuda where there is one).
        threads: threads of each process on CPU.
        compile: ``auto`` (long runs only), ``on`` or ``off``.
        jobs: jobs at a time; 0 for as many as fit.
        audit: check samples of every score for legality; it changes no score.
    """

    nproc_per_node: int = 1
    device: str = "auto"
    threads: int = 1
    compile: str = "auto"
    jobs: int = 0
    audit: bool = False


@cache
def this_machine() -> Machine:
    """Describe the machine golf runs on, in a few milliseconds."""
    text = _read("/proc/cpuinfo")
    facts: dict[str, str] = {}
    for line in text.splitlines():
        name, _, fact = line.partition(":")
        facts.setdefault(name.strip(), fact.strip())
    gpus = _gpu_names()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Machine(
        cores=cores or 1,
        cpu_name=facts.get("model name") or platform.processor() or platform.machine(),
        cpu_bf16=bool(BF16_FLAGS & set(facts.get("flags", "").split())),
        gpus=len(gpus),
        gpu_name=gpus[0] if gpus else "",
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _gpu_names() -> list[str]:
    """Return the names of the visible NVIDIA GPUs; [] without a driver."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible in ("", "-1") or not Path("/dev/nvidiactl").exists():
        return []
    cards = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    names = [m[1].strip() for c in cards if (m := re.search(r"Model:(.*)", _read(str(c))))]
    names = names or _ask_nvidia_smi()
    return names[: len(visible.split(","))] if visible else names


def _ask_nvidia_smi() -> list[str]:
    """Return the GPU names that the driver's own tool lists (containers may hide /proc)."""
    import subprocess  # noqa: PLC0415 (start-up: rarely needed)

    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(
        ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()]


def device_of(launch: Launch, machine: Machine) -> str:
    """Return ``cpu`` or ``cuda``."""
    if launch.device != "auto":
        return launch.device
    return "cuda" if machine.gpus else "cpu"


def numerics(launch: Launch, machine: Machine, values: Values) -> dict[str, Value]:
    """Return what else changes the bits of a training with these settings on this machine."""
    device = device_of(launch, machine)
    bf16 = device == "cuda" or machine.cpu_bf16
    found: dict[str, Value] = {
        "numerics.device": device,
        "numerics.world_size": launch.nproc_per_node,
        "numerics.dtype": "bfloat16" if bf16 else "float32",
        "numerics.compile": _compiled(launch, device, values),
        "numerics.attention": _attention(device, values),
    }
    if device == "cpu":
        found["numerics.threads"] = launch.threads
    if values["train.seconds"] is not None:
        found["numerics.device_name"] = machine.gpu_name if device == "cuda" else machine.cpu_name
    return found


def _compiled(launch: Launch, device: str, values: Values) -> bool:
    if launch.compile != "auto":
        return launch.compile == "on"
    seconds, steps = values["train.seconds"], values["train.steps"]
    if isinstance(seconds, float):
        return seconds >= COMPILE_SECONDS[device]
    return isinstance(steps, int) and steps >= COMPILE_STEPS[device]


def _attention(device: str, values: Values) -> str:
    """Causal query tiles on CPU; on CUDA flex attention for masks, flash attention else."""
    if device == "cpu":
        return "tiles"
    masked = values["model.window_pattern"] != "L" or values["train.loader"] == "packed"
    return "flex" if masked else "sdpa"
