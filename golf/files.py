"""Files that appear by rename, JSON, and hashes of plain data."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golf.errors import fail

CHUNK = 1 << 16  # bytes
HALF_WRITTEN = re.compile(r"\.(tmp\w+|.+\.\d+)")  # by safetensors, and by ``renamed_into_place``


@contextlib.contextmanager
def renamed_into_place(path: Path) -> Iterator[Path]:
    """Yield a temporary path; what is written there appears at ``path`` when the block ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what a process that was killed while writing left in a folder."""
    for path in folder.glob(".*"):
        if HALF_WRITTEN.fullmatch(path.name):
            path.unlink(missing_ok=True)


def is_regular(path: Path) -> bool:
    """Say whether a regular file is there, and no folder, device or name that no file can have."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def file_sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write ``text`` by rename."""
    with renamed_into_place(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as JSON by rename; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path | str, hint: str = "delete the folder to redo it") -> Any:
    """Read a JSON file; None when there is none.

    Args:
        path: of the file.
        hint: the next step where it is damaged.

    Raises:
        GolfError: the file exists and is not JSON.
    """
    try:
        return json.loads(_read_bytes(path).decode())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise fail(f"cannot be read: {error}", hint, str(path)) from None


def _read_bytes(path: Path | str) -> bytes:
    """Return a file's bytes, in half the time of a file object: reports read many small files."""
    number = os.open(path, os.O_RDONLY)
    try:
        parts = [os.read(number, CHUNK)]
        while parts[-1]:
            parts.append(os.read(number, CHUNK))
    finally:
        os.close(number)
    return b"".join(parts)


CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def canonical_json(value: object) -> str:
    """Return the one JSON text of ``value``: sorted keys, no spaces, no NaN."""
    return CANONICAL.encode(value)


def text_key(text: str) -> str:
    """Return the first twelve hex digits of the hash of ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def content_key(value: object) -> str:
    """Return the first twelve hex digits of the hash of ``value``."""
    return text_key(canonical_json(value))
