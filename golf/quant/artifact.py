"""The artifact: one file that holds all that is needed to rebuild the model; no pickle.

    8 bytes   magic "GOLFART1"
    8 bytes   length of the payload before compression, little endian
    32 bytes  sha256 of the payload
    rest      payload, one brotli stream

    payload = 4 bytes header length, JSON header, then the sections of all tensors:
              codes (one byte each), scales (fp16), passed-through tensors (fp16);
              fp16 sections hold all low bytes first, then all high bytes.

The header lists the tensors in order and carries the model's settings, so that a reader needs
nothing else. Damaged or hostile files are refused before anything is built from them.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brotli
import numpy as np
import torch
from torch import Tensor

from golf.errors import fail
from golf.files import canonical_json, renamed_into_place
from golf.quant.grid import Codes

MAGIC = b"GOLFART1"
HEAD_BYTES = 48
MOST_BYTES = 1 << 30


@dataclass(frozen=True)
class Artifact:
    """What a file holds: the model's settings and its tensors by name."""

    settings: dict[str, Any]
    tensors: dict[str, Codes | Tensor]

    def weights(self) -> dict[str, Tensor]:
        """Return every tensor as float32."""
        return {
            name: t.dequantize() if isinstance(t, Codes) else t.float()
            for name, t in self.tensors.items()
        }


def write_artifact(path: Path, artifact: Artifact, quality: int) -> int:
    """Write the file by rename and return its size in bytes."""
    payload = _payload(artifact)
    head = MAGIC + len(payload).to_bytes(8, "little") + hashlib.sha256(payload).digest()
    packed = head + brotli.compress(payload, quality=quality, lgwin=24)
    with renamed_into_place(path) as temporary:
        temporary.write_bytes(packed)
    return len(packed)


def read_artifact(path: Path) -> Artifact:
    """Read a file back.

    Raises:
        GolfError: missing, damaged, or not an artifact of this version.
    """
    try:
        return _parse(_unpack(path.read_bytes()))
    except FileNotFoundError:
        raise fail("no artifact here", where=str(path)) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError, brotli.error) as error:
        hint = "it is damaged, or no golf artifact of this version"
        raise fail(f"not a readable artifact: {error}", hint, str(path)) from None


def _payload(artifact: Artifact) -> bytes:
    entries, sections = [], []
    for name, tensor in artifact.tensors.items():
        coded = isinstance(tensor, Codes)
        shape = list(tensor.codes.shape if isinstance(tensor, Codes) else tensor.shape)
        entries.append([name, "int8" if coded else "fp16", shape])
    ordered = artifact.tensors.values()
    sections += [t.codes.numpy().tobytes() for t in ordered if isinstance(t, Codes)]
    sections += [_split_bytes([t.scales for t in ordered if isinstance(t, Codes)])]
    sections += [_split_bytes([t.half() for t in ordered if not isinstance(t, Codes)])]
    header = canonical_json({"settings": artifact.settings, "tensors": entries}).encode()
    return b"".join([len(header).to_bytes(4, "little"), header, *sections])


def _split_bytes(tensors: list[Tensor]) -> bytes:
    """Return fp16 tensors as all low bytes, then all high bytes: like compresses with like."""
    joined = b"".join(t.contiguous().numpy().tobytes() for t in tensors)
    return np.frombuffer(joined, np.uint8).reshape(-1, 2).T.tobytes()


def _unpack(packed: bytes) -> bytes:
    if packed[:8] != MAGIC:
        raise ValueError("the magic number is missing")
    length = int.from_bytes(packed[8:16], "little")
    if length > MOST_BYTES:
        raise ValueError(f"it claims {length} bytes of payload")
    decoder = brotli.Decompressor()
    payload: bytes = decoder.process(packed[HEAD_BYTES:], output_buffer_limit=length + 1)
    if len(payload) != length or not decoder.is_finished():
        raise ValueError("the payload has another length than promised")
    if hashlib.sha256(payload).digest() != packed[16:HEAD_BYTES]:
        raise ValueError("the payload does not have the promised hash")
    return payload


class _Cursor:
    """Takes bytes from a payload, never more than there are."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.place = 0

    def take(self, count: int) -> bytes:
        taken = self.payload[self.place : self.place + count]
        if len(taken) != count:
            raise ValueError("a section is cut off")
        self.place += count
        return taken


def _parse(payload: bytes) -> Artifact:
    cursor = _Cursor(payload)
    header = json.loads(cursor.take(int.from_bytes(cursor.take(4), "little")))
    entries = [_checked(entry) for entry in header["tensors"]]
    coded = [(n, shape) for n, kind, shape in entries if kind == "int8"]
    passed = [(n, shape) for n, kind, shape in entries if kind == "fp16"]
    codes = {n: _int8(cursor.take(math.prod(shape)), shape) for n, shape in coded}
    scales = _join_bytes(cursor, [(n, shape[:1]) for n, shape in coded])
    plain = _join_bytes(cursor, passed)
    if cursor.place != len(payload):
        raise ValueError("bytes are left over")
    tensors: dict[str, Codes | Tensor] = {
        n: Codes(codes[n], scales[n]) if kind == "int8" else plain[n] for n, kind, _ in entries
    }
    if len(tensors) != len(entries) or not isinstance(header["settings"], dict):
        raise ValueError("the header is not sound")
    return Artifact(header["settings"], tensors)


def _checked(entry: Any) -> tuple[str, str, list[int]]:
    name, kind, shape = entry
    sizes = isinstance(shape, list) and all(type(s) is int and 0 <= s <= 1 << 31 for s in shape)
    ranks = {"int8": (2,), "fp16": range(5)}
    if not isinstance(name, str) or kind not in ranks or not sizes or len(shape) not in ranks[kind]:
        raise ValueError(f"a tensor entry is not sound: {str(entry)[:80]}")
    return name, kind, shape


def _int8(data: bytes, shape: list[int]) -> Tensor:
    return torch.from_numpy(np.frombuffer(data, np.int8).reshape(shape).copy())


def _join_bytes(cursor: _Cursor, shapes: list[tuple[str, list[int]]]) -> dict[str, Tensor]:
    sizes = [math.prod(shape) for _, shape in shapes]
    raw = np.frombuffer(cursor.take(2 * sum(sizes)), np.uint8).reshape(2, -1).T.tobytes()
    flat = torch.from_numpy(np.frombuffer(raw, np.float16).copy())
    parts = flat.split(sizes) if sizes else ()
    return {n: part.view(shape) for (n, shape), part in zip(shapes, parts, strict=True)}
