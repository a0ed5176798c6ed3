"""A question to the workshop: a process that reads a request and writes an answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from golf.errors import fail
from golf.files import read_json, write_json
from golf.launch.command import inherited, own_source


def ask(module: str, request: dict[str, Any], folder: Path) -> Any:
    """Return the answer of ``python -m MODULE REQUEST ANSWER``, which works in ``folder``.

    Raises:
        GolfError: it ended with an error; the message is what it said.
    """
    write_json(folder / "request.json", request)
    argv = [sys.executable, "-m", module, "request.json", "answer.json"]
    done = subprocess.run(
        argv,
        cwd=folder,
        env=inherited() | own_source(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise fail(_what_it_said(done, module))
    return read_json(folder / "answer.json")


def _what_it_said(done: subprocess.CompletedProcess[str], module: str) -> str:
    """Return the message of code 2; of a crash, the last line."""
    said = done.stderr.strip()
    if done.returncode == 2 and said:
        return said
    last = f": {said.splitlines()[-1]}" if said else ""
    return f"{module} stopped with code {done.returncode}{last}"
