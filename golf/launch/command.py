"""Pure: a job and its slot to the exact command that will run. ``--dry-run`` prints it."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from golf.config.machine import Launch, Machine, device_of, this_machine
from golf.config.nodes import Table, read_nodes
from golf.errors import GolfError, Problem
from golf.files import is_regular
from golf.frozen import Frozen
from golf.plan.graph import Dataset, Plan
from golf.plan.work import Job

# Keeps glibc from handing activations back to the kernel after every step. 32 MiB is the most
# that it accepts as a threshold.
KEEP_FREED_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(64 << 20),
}


# What another torchrun, or a cluster, may have said of a process group that is not ours.
GROUP = re.compile(r"(?:(?:LOCAL_|GROUP_|ROLE_)?(?:RANK|WORLD_SIZE)|MASTER_(?:ADDR|PORT))$")


class Slot(Frozen):
    """The share of the machine that one job may use: GPU or core numbers."""

    devices: tuple[int, ...]


class Command(Frozen):
    """What to start, with which additional environment, and where its output goes.

    Attributes:
        folder: where it works; None for where golf itself does.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    log: Path
    folder: Path | None = None

    def __str__(self) -> str:
        pairs = [f"{k}={shlex.quote(v)}" for k, v in self.env.items()]
        return " ".join([*pairs, shlex.join(self.argv)])


def slots(plan: Plan) -> list[Slot]:
    """Return the shares into which this machine is cut; at least one.

    Raises:
        GolfError: more GPUs are asked for than there are (cores are shared if need be).
    """
    lack = lack_of_gpus(plan)
    if lack:
        raise GolfError(lack)
    return asked_slots(plan)


def asked_slots(plan: Plan) -> list[Slot]:
    """Return the shares that the launch settings ask for, on a machine that has them or not."""
    launch, machine = plan.rows.launch, plan.rows.machine
    on_gpu = device_of(launch, machine) == "cuda"
    each = launch.nproc_per_node * (1 if on_gpu else launch.threads)
    number = launch.jobs or max(1, (machine.gpus if on_gpu else machine.cores) // each)
    return [Slot(tuple(range(i * each, (i + 1) * each))) for i in range(number)]


def lack_of_gpus(plan: Plan) -> Problem | None:
    """Return what keeps jobs from starting on this machine; None where they can."""
    launch, machine = plan.rows.launch, plan.rows.machine
    number = len(asked_slots(plan))
    need = number * launch.nproc_per_node
    if device_of(launch, machine) == "cpu" or need <= machine.gpus:
        return None
    plural = "s" if need > 1 else ""
    what = f"jobs {number} x nproc_per_node {launch.nproc_per_node} takes {need} GPU{plural}"
    hint = "lower nproc_per_node or jobs, or set device: cpu"
    return Problem(_launch_place(plan), f"{what}, there are {machine.gpus}", hint)


def _launch_place(plan: Plan) -> str:
    """Return where the matrix file says how to start jobs; the file where a flag or nobody does."""
    matrix, launch = plan.rows.matrix, plan.rows.launch
    told = replace(launch, audit=matrix.launch.audit) == matrix.launch
    root = read_nodes(matrix.path, None, []) if told and is_regular(matrix.path) else None
    sections = root.entries if isinstance(root, Table) else ()
    return next((k.where for k, _ in sections if k.value == "launch"), str(matrix.path))


def job_command(plan: Plan, job: Job, slot: Slot) -> Command:
    """Return the torchrun line of ``job``.

    Threads are always set, and on CPU cores pinned: their number changes bits there, and
    torchrun itself sets it only for more than one process. A GPU has its share of the cores.
    """
    launch = plan.rows.launch
    folders = [str(plan.node_paths(n).folder) for n in job.nodes]
    argv = (
        *_torchrun(launch),
        *("-m", "golf.stages"),
        *folders,
    )
    env = _environment(launch, slot, plan.rows.machine) | own_source()
    return Command(argv, env, plan.node_paths(job.nodes[0].training).log)


def inherited() -> dict[str, str]:
    """Return this process's environment for one that belongs to no process group yet."""
    return {name: text for name, text in os.environ.items() if not GROUP.match(name)}


def own_source() -> dict[str, str]:
    """Return what makes a started Python find this golf, and nothing in the folder it starts in."""
    source = Path(__file__).resolve().parents[2]
    installed = source.name in ("site-packages", "dist-packages")
    path = (*(() if installed else (str(source),)), os.environ.get("PYTHONPATH"))
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(filter(None, path))}


def dataset_command(plan: Plan, dataset: Dataset) -> Command:
    """Return the line that prepares a dataset; it needs no torch and no GPU."""
    folder = plan.paths.dataset(dataset.key)
    argv = (sys.executable, "-m", "golf.data", str(folder))
    return Command(argv, own_source(), folder.parent / f"{dataset.key}.log")


def inspect_command(request: Path) -> Command:
    """Return the line that counts the parameters of the models in ``request``."""
    argv = (sys.executable, "-m", "golf.stages.inspect", str(request))
    return Command(argv, own_source(), request.with_suffix(".log"))


def node_command(folder: Path, training: Mapping[str, Any]) -> Command:
    """Return the line that runs one node on what the training that it descends from ran on."""
    device, processes = training["numerics.device"], training["numerics.world_size"]
    threads = training.get("numerics.threads", 1)
    launch = Launch(nproc_per_node=processes, device=device, threads=threads)
    slot = Slot(tuple(range(processes if device == "cuda" else processes * threads)))
    argv = (*_torchrun(launch), "-m", "golf.stages", str(folder))
    env = _environment(launch, slot, this_machine()) | own_source()
    return Command(argv, env, folder / "log.txt")


def script_command(plan: Plan, script: Path, data: Path) -> Command:
    """Return the line that runs a frozen script of ``plan`` in its own folder."""
    launch = plan.rows.launch
    runner = _torchrun(launch) if launch.nproc_per_node > 1 else (sys.executable,)
    env = _environment(launch, slots(plan)[0], plan.rows.machine)
    return Command(
        (*runner, script.name, str(data)), env, script.with_suffix(".log"), script.parent
    )


def _torchrun(launch: Launch) -> Sequence[str]:
    """Return torchrun as installed beside this Python; it is to leave no folders of its own."""
    script = Path(sys.executable).with_name("torchrun")
    head = (str(script),) if script.exists() else (sys.executable, "-m", "torch.distributed.run")
    number = str(launch.nproc_per_node)
    return (*head, "--standalone", "--log-dir", os.devnull, "--nproc-per-node", number)


def _environment(launch: Launch, slot: Slot, machine: Machine) -> dict[str, str]:
    if device_of(launch, machine) == "cuda":
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        named = visible != [""] and max(slot.devices) < len(visible)
        chosen = [visible[d] if named else str(d) for d in slot.devices]
        threads = str(max(1, machine.cores // max(1, machine.gpus)))
        return {"CUDA_VISIBLE_DEVICES": ",".join(chosen), "OMP_NUM_THREADS": threads}
    numbers = ",".join(map(str, slot.devices))
    threads = str(launch.threads)
    return {
        "CUDA_VISIBLE_DEVICES": "",
        "GOLF_CORES": numbers,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        **KEEP_FREED_MEMORY,
    }
