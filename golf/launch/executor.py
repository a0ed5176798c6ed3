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
from golf.records import FAILED_LINE

STOP_SECONDS = 10.0
TAIL_LINES = 15
START_LINE = "golf starts"
TORCHRUN_LINE = re.compile(r"^[EWI]\d{4} .*torch/distributed/|^={20,}$")
ROOT_CAUSE = re.compile(r"Root Cause.*?exitcode\s*: (-?\d+).*?traceback\s*: ([^\n]*)", re.DOTALL)


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
    """Return the last lines of a log for an error message, and every node that it calls failed.

    Torchrun's own summary is left out, but for a signal that ended a process, which stands
    nowhere else.
    """
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(no log)"
    ours = [line for line in lines if line.strip()]
    last = max((i for i, line in enumerate(ours) if START_LINE in line), default=-1)
    ours = ours[last + 1 :]
    end = next((i for i, line in enumerate(ours) if TORCHRUN_LINE.search(line)), len(ours))
    failed = [line for line in ours[:end] if line.startswith(FAILED_LINE)]
    others = [line for line in ours[:end] if not line.startswith(FAILED_LINE)]
    told = [*others[-TAIL_LINES:], *failed]
    told += _how_it_ended("\n".join(ours[end:]), bool(told))
    return "\n  ".join(told) or "(the log is empty)"


def _how_it_ended(summary: str, known: bool) -> list[str]:
    """Return what torchrun says of the first process that failed, where nobody else can.

    Args:
        summary: torchrun's own.
        known: whether the process left words of its own.
    """
    found = ROOT_CAUSE.search(summary)
    if found and int(found[1]) < 0:
        return [f"exit code {found[1]}: {found[2]}"]
    return [f"exit code {found[1]}, without a word"] if found and not known else []
