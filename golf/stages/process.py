"""What must be set before torch is imported: cores, threads and who may outlive whom."""

from __future__ import annotations

import ctypes
import os
import signal
import sys


def prepare_process() -> None:
    """Pin this process to its cores and end it when torchrun is killed (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    cores = [int(c) for c in os.environ.get("GOLF_CORES", "").split(",") if c]
    if not cores or not hasattr(os, "sched_setaffinity"):
        return
    ranks, rank = (
        int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        int(os.environ.get("LOCAL_RANK", "0")),
    )
    each = max(1, len(cores) // ranks)
    have = sorted(os.sched_getaffinity(0))
    mine = {have[c % len(have)] for c in cores[rank * each : (rank + 1) * each]}
    os.sched_setaffinity(0, mine)
