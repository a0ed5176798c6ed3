"""A block of code that may neither write a file nor take for ever."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

LIMIT_S = 60.0  # a thousand times what a case takes: a busy machine is no hang
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    f"os.{name}"
    for name in ("mkdir", "rename", "remove", "rmdir", "link", "symlink", "truncate", "chmod",
                 "chown", "utime", "system", "exec", "posix_spawn")
} | {"subprocess.Popen"}  # fmt: skip


class TooLongError(BaseException):
    """The time is up; no ``except Exception`` in between may stop it."""


class Recorder:
    """Notes what this process does to files while it is on."""

    def __init__(self) -> None:
        self.is_on = False
        self.seen: list[str] = []
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING:
                self.seen.append(f"open {path!r}")
        elif event in CHANGES:
            self.seen.append(f"{event} {arguments[0]!r}")


RECORDER: list[Recorder] = []


@contextmanager
def guarded(limit_s: float = LIMIT_S) -> Iterator[None]:
    """Fail where the block writes a file anywhere, or is not done in time."""
    if not RECORDER:
        RECORDER.append(Recorder())  # an audit hook stays for the life of a process
    (recorder,) = RECORDER
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    recorder.seen.clear()
    recorder.is_on = True
    try:
        yield
    except TooLongError:
        raise AssertionError(f"not done in {limit_s:g} s") from None
    finally:
        recorder.is_on = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        sys.dont_write_bytecode = bytecode
    if recorder.seen:
        raise AssertionError("; ".join(recorder.seen))


def _stop(*_: object) -> None:
    raise TooLongError
