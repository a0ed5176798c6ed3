"""Start a command in its own process group, watch it, stop it with everything below it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from golf.launch.command import Command, inherited

STOP_SECONDS = 10.0
TAIL_LINES = 15
START_LINE = "golf starts"
TORCHRUN_LINE = re.compile(r"^[EWI]\d{4} .*torch/distributed/|^={20,}$")


class Running:
    """A started command."""

    def __init__(self, command: Command) -> None:
        self.command = command
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log:
            log.write(f"{START_LINE}: {command}\n".encode())
            log.flush()
            self.process = subprocess.Popen(
                command.argv,
                cwd=command.folder,
                env={**inherited(), **command.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent(),
            )

    def exit_code(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.process.poll()

    def stop(self) -> None:
        """End the whole process group: ask first, then kill."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


def _end_with_parent() -> Callable[[], None] | None:
    """Return what makes the kernel end the child when golf itself is killed (Linux)."""
    if not sys.platform.startswith("linux"):
        return None
    set_death_signal = ctypes.CDLL(None).prctl

    def before_exec() -> None:
        set_death_signal(1, signal.SIGTERM)

    return before_exec


def log_tail(log: Path) -> str:
    """Return the last lines of a log for an error message, without torchrun's own summary."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(no log)"
    ours = [line for line in lines if line.strip()]
    last = max((i for i, line in enumerate(ours) if START_LINE in line), default=-1)
    ends = (i for i, line in enumerate(ours) if i > last and TORCHRUN_LINE.search(line))
    ours = ours[last + 1 : next(ends, None)]
    return "\n  ".join(ours[-TAIL_LINES:]) or "(the log is empty)"
