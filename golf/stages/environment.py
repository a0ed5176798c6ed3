"""What a number was made with; recorded beside it, never part of a key."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import torch

import golf
from golf.config.machine import this_machine
from golf.stages.world import World


def describe_environment(world: World) -> dict[str, Any]:
    """Return versions, device and commit; the host's name is left out on purpose."""
    return {
        "golf": golf.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device_name(world),
        "device_type": world.device.type,
        "world_size": world.size,
        "threads": torch.get_num_threads(),
        **_commit(),
    }


def device_name(world: World) -> str:
    """Return the name of the GPU or the processor that this process works on."""
    return torch.cuda.get_device_name() if world.device.type == "cuda" else this_machine().cpu_name


@cache
def _commit() -> dict[str, Any]:
    """Return the commit of golf's own source and whether it was changed since."""
    source = Path(golf.__file__).parent
    head = _git(source, "rev-parse", "HEAD")
    dirty = _git(source, "status", "--porcelain", "--", ".") if head else None
    return {"commit": head or None, "dirty": bool(dirty)}


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
