"""The processes of one job and what they say to each other."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

TIMEOUT = timedelta(minutes=30)


@dataclass(frozen=True)
class World:
    """This process's place among those of the job.

    Attributes:
        device: where tensors live; one GPU per process, or the CPU.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Say whether this process writes the files."""
        return self.rank == 0

    def sum(self, tensor: Tensor) -> Tensor:
        """Return the sum over all processes, in place where there are several."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def gather(self, part: Tensor) -> Tensor:
        """Return the parts of all processes, one after the other along the first axis."""
        if self.size == 1:
            return part
        parts = [torch.empty_like(part) for _ in range(self.size)]
        dist.all_gather(parts, part.contiguous())
        return torch.cat(parts)

    def most(self, value: float) -> float:
        """Return the largest value of all processes."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return float(shared)

    def wait(self) -> None:
        """Return when every process has come here."""
        if self.size > 1:
            dist.barrier()


def set_numerics(numerics: Mapping[str, Any]) -> None:
    """Set what the numerics policy of a training says about this process.

    Beside a GPU it says nothing of threads: as many as ``OMP_NUM_THREADS`` has round weights.
    """
    on_gpu = numerics["numerics.device"] == "cuda"
    if not on_gpu:
        torch.set_num_threads(numerics.get("numerics.threads", 1))
    torch.set_flush_denormal(True)
    torch.set_float32_matmul_precision("high" if on_gpu else "highest")


def join_world(device: str) -> World:
    """Join the process group that torchrun set up; alone without torchrun."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        place = torch.device("cuda", torch.cuda.current_device())
    else:
        place = torch.device("cpu")
    if size > 1 and not dist.is_initialized():
        backend = "nccl" if device == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=TIMEOUT)
    return World(rank, size, place)


def leave_world() -> None:
    """Leave the process group."""
    if dist.is_initialized():
        dist.destroy_process_group()
