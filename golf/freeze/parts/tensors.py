"""Stands in for safetensors in a frozen script: the same files, by torch and numpy alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, bfloat16, float16, float32, float64, frombuffer, int64, uint8

# No name "torch" in here: the stand-in is also the module that has safetensors.torch as a part.
KINDS = {
    "F32": float32, "BF16": bfloat16, "F16": float16, "F64": float64, "I64": int64, "U8": uint8,
}  # fmt: skip
NAMES = {kind: name for name, kind in KINDS.items()}


class SafetensorError(Exception):
    """A file that is no safetensors file."""


def save_file(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors and a note."""
    header: dict[str, Any] = {"__metadata__": dict(metadata or {})}
    place, parts = 0, []
    for name, tensor in tensors.items():
        data = tensor.contiguous().flatten().view(uint8).numpy().tobytes()
        ends = [place, place + len(data)]
        header[name] = {
            "dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": ends,
        }  # fmt: skip
        place += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    Path(path).write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *parts]))


class safe_open:  # noqa: N801 (the library's name)
    """A file opened for reading; tensors are read when they are asked for."""

    def __init__(self, path: Path, framework: str = "pt", device: str = "cpu") -> None:
        self.device, self.data = device, Path(path).read_bytes()
        length = int.from_bytes(self.data[:8], "little")
        try:
            self.header: dict[str, Any] = json.loads(self.data[8 : 8 + length])
        except ValueError as error:
            raise SafetensorError(str(error)) from None
        self.first = 8 + length

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def keys(self) -> list[str]:
        """Return the names of the tensors."""
        return sorted(n for n in self.header if n != "__metadata__")

    def metadata(self) -> dict[str, str]:
        """Return the note."""
        note: dict[str, str] = self.header["__metadata__"]
        return note

    def get_tensor(self, name: str) -> Tensor:
        """Return one tensor."""
        entry = self.header[name]
        first, last = (self.first + place for place in entry["data_offsets"])
        raw = frombuffer(bytearray(self.data[first:last] or b"\0" * 8), dtype=uint8)
        tensor = raw[: last - first].view(KINDS[entry["dtype"]]).view(entry["shape"])
        return tensor.to(self.device)
