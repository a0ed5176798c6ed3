"""The artifact: one file that holds all that is needed to rebuild the model; no pickle.

    8 bytes   magic "GOLFART2"
    32 bytes  sha256 of all that follows
    1 byte    compressor, a place in ``CODECS``
    16 bytes  length of the payload, and of the payload compressed
    ...       the payload, compressed (by brotli, where the compressor is "ans")
    ...       the streams of codes, where the compressor does not take them with the payload

    payload = header (4 bytes length, then JSON)
              side section of the codec (4 bytes length, then its bytes)
              scales and passed-through tensors (fp16): all low bytes, then all high bytes
              codes, one stream, where they are not streams of their own

The header lists the tensors in order and carries the model's settings, so that a reader needs
nothing else. Damaged or hostile files are refused before anything is built from them.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from golf.errors import fail
from golf.files import canonical_json, renamed_into_place
from golf.quant.codec import entropy
from golf.quant.codec.compress import COMPRESSORS, SMALLEST, compress, decompress
from golf.quant.codec.cursor import Cursor
from golf.quant.codec.layout import Layout, arrange, restore
from golf.quant.entry import (
    MOST_WEIGHTS_PER_BYTE,
    Entry,
    checked_entries,
    entry_of,
    factor_shapes,
    kinds_of,
    weights_of,
)
from golf.quant.grid import Codes, Repair

MAGIC = b"GOLFART2"
HEAD = struct.Struct("<BQQ")
CODECS = ("ans", *COMPRESSORS)
MOST_BYTES = 5 << 28  # of a payload: a byte for each weight, and the scales
MOST_HEADER_BYTES = 1 << 22  # thousands of tensors take some hundred thousand
UNREADABLE = (
    OSError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError, MemoryError,
)  # fmt: skip


@dataclass(frozen=True)
class Packing:
    """How codes become bytes: the compressor, brotli's quality, and what happens before it."""

    compressor: str = "ans"
    quality: int = SMALLEST
    layout: Layout = field(default_factory=Layout)


@dataclass(frozen=True)
class Artifact:
    """What a file holds: the model's settings and its tensors by name."""

    settings: dict[str, Any]
    tensors: Mapping[str, Codes | Tensor]

    def weights(self) -> dict[str, Tensor]:
        """Return every tensor as float32."""
        return {
            name: t.dequantize() if isinstance(t, Codes) else t.float()
            for name, t in self.tensors.items()
        }


def write_artifact(path: Path, artifact: Artifact, packing: Packing) -> int:
    """Write the file by rename and return its size in bytes."""
    packed = pack_artifact(artifact, packing)
    with renamed_into_place(path) as temporary:
        temporary.write_bytes(packed)
    return len(packed)


def read_artifact(path: Path) -> Artifact:
    """Read a file back.

    Raises:
        GolfError: missing, damaged, or not an artifact of this version.
    """
    try:
        return unpack_artifact(path.read_bytes())
    except FileNotFoundError:
        raise fail("no artifact here", where=str(path)) from None
    except UNREADABLE as error:
        hint = "it is damaged, or no golf artifact of this version"
        raise fail(f"not a readable artifact: {error}", hint, str(path)) from None


def pack_artifact(artifact: Artifact, packing: Packing) -> bytes:
    """Return the bytes of the file."""
    coded = {n: t for n, t in artifact.tensors.items() if isinstance(t, Codes)}
    matrices = [m.codes.contiguous().numpy() for m in matrices_of(coded.values())]
    kinds, layout = kinds_of(coded), packing.layout
    if packing.compressor == "ans":
        side, stream = entropy.encode(matrices, kinds)
        inside, streams, plain = b"", [stream], [len(stream)]
    else:
        side, raw = arrange(matrices, kinds, layout)
        inside, raw = (b"", raw) if layout.by_kind else (raw[0], [])
        plain = [len(r) for r in raw]
        streams = [compress(packing.compressor, r, packing.quality) for r in raw]
    header = {
        "settings": artifact.settings,
        "tensors": [list(entry_of(n, t)) for n, t in artifact.tensors.items()],
        "layout": list(astuple(layout)),
        "streams": [[len(s), n] for s, n in zip(streams, plain, strict=True)],
    }
    sections = [_counted(canonical_json(header).encode()), _counted(side)]
    sections += [split_bytes(halves_of(artifact.tensors)), inside]
    payload = b"".join(sections)
    main = compress(general_of(packing.compressor), payload, packing.quality)
    head = HEAD.pack(CODECS.index(packing.compressor), len(payload), len(main))
    rest = b"".join([head, main, *streams])
    return MAGIC + hashlib.sha256(rest).digest() + rest


def unpack_artifact(packed: bytes) -> Artifact:
    """Undo ``pack_artifact``.

    Raises:
        one of UNREADABLE: these bytes are no whole artifact.
    """
    codec, cursor, outer = _opened(packed)
    header = json.loads(_take_counted(cursor, MOST_HEADER_BYTES))
    entries = checked_entries(header["tensors"], len(packed))
    if not isinstance(header["settings"], dict):
        raise ValueError("its settings are none")
    side = _take_counted(cursor)
    halves = _read_halves(cursor, entries)
    layout = Layout(*[bool(f) for f in header["layout"]])
    sizes = [[_size(n) for n in s] for s in header["streams"]]
    _check_streams(entries, codec, layout, [plain for _, plain in sizes])
    streams = [_stream(outer, codec, packed, plain) for packed, plain in sizes]
    outer.finish()
    inside = cursor.take(len(cursor.data) - cursor.place)
    matrices = _decode(entries, codec, layout, side, streams, inside)
    return Artifact(header["settings"], _assemble(entries, halves, matrices))


def _opened(packed: bytes) -> tuple[str, Cursor, Cursor]:
    """Return the compressor, the payload, and what follows it."""
    rest = packed[40:]
    if packed[:8] != MAGIC:
        raise ValueError("the magic number is missing")
    if hashlib.sha256(rest).digest() != packed[8:40]:
        raise ValueError("its bytes do not have the promised hash")
    outer = Cursor(rest)
    codec, length, main = HEAD.unpack(outer.take(HEAD.size))
    if codec >= len(CODECS) or length > min(MOST_BYTES, MOST_WEIGHTS_PER_BYTE * len(packed)):
        raise ValueError(f"compressor {codec} with {length} bytes of payload")
    payload = decompress(general_of(CODECS[codec]), outer.take(main), length)
    return CODECS[codec], Cursor(payload), outer


class Sections(NamedTuple):
    """Parts of a file.

    Attributes:
        streams: packed bytes of each stream of codes.
        side: the side section of the codec.
        rest: the payload without any codes.
    """

    streams: list[int]
    side: bytes
    rest: bytes


def sections_of(packed: bytes, tensors: Mapping[str, Codes | Tensor]) -> Sections:
    """Return the parts of a sound file that holds ``tensors``."""
    _, cursor, _ = _opened(packed)
    header, side = json.loads(_take_counted(cursor)), _take_counted(cursor)
    end = cursor.place + 2 * sum(h.numel() for h in halves_of(tensors))
    return Sections([packed for packed, _ in header["streams"]], side, cursor.data[:end])


def _decode(
    entries: list[Entry],
    codec: str,
    layout: Layout,
    side: bytes,
    streams: list[bytes],
    inside: bytes,
) -> list[Tensor]:
    shapes = [s for e in entries if e.coded for s in [(e.shape[0], e.shape[1])]]
    shapes += [s for e in entries if e.repair for s in factor_shapes(e)]
    kinds = kinds_of({e.name: e for e in entries if e.coded})
    if streams and inside:
        raise ValueError("it has codes outside its streams")
    if codec == "ans":
        return [torch.from_numpy(m) for m in entropy.decode(shapes, kinds, side, streams[0])]
    found = restore(shapes, kinds, layout, side, streams or [inside])
    return [torch.from_numpy(m) for m in found]


def _check_streams(entries: list[Entry], codec: str, layout: Layout, plain: Sequence[int]) -> None:
    """Refuse streams that are not what these tensors take, before one is unpacked."""
    kinds = kinds_of({e.name: e for e in entries if e.coded})
    by_kind = max(kinds, default=0) + 1 if layout.by_kind else 0
    most = sum(map(weights_of, entries)) + len(kinds)  # a packed matrix begins with its width
    if len(plain) != (1 if codec == "ans" else by_kind) or (codec != "ans" and sum(plain) > most):
        raise ValueError("it has other streams than its tensors take")


def general_of(codec: str) -> str:
    """Return the compressor of all that is not codes."""
    return "brotli" if codec == "ans" else codec


def matrices_of(coded: Any) -> list[Codes]:
    """Return matrices of codes: all tensors' own, then the factors of those with a repair."""
    tensors = list(coded)
    return tensors + [factor for t in tensors if t.repair for factor in t.repair]


def halves_of(tensors: Mapping[str, Codes | Tensor]) -> list[Tensor]:
    """Return everything in fp16: scales of tensors, scales of factors, then plain tensors."""
    coded = [t for t in tensors.values() if isinstance(t, Codes)]
    plain = [t.half() for t in tensors.values() if isinstance(t, Tensor)]
    return [m.scales for m in matrices_of(coded)] + plain


def _read_halves(cursor: Cursor, entries: list[Entry]) -> list[Tensor]:
    """Read what ``halves_of`` returned; plain tensors in their shapes."""
    groups = [e.groups for e in entries if e.coded]
    groups += [g for e in entries if e.repair for g in e.repair[1:]]
    shapes = [[g] for g in groups] + [e.shape for e in entries if not e.coded]
    sizes = [math.prod(shape) for shape in shapes]
    raw = np.frombuffer(cursor.take(2 * sum(sizes)), np.uint8).reshape(2, -1).T.tobytes()
    flat = torch.from_numpy(np.frombuffer(raw, np.float16).copy())
    return [p.view(s) for p, s in zip(flat.split(sizes) if sizes else (), shapes, strict=True)]


def _assemble(
    entries: list[Entry], halves: list[Tensor], matrices: list[Tensor]
) -> dict[str, Codes | Tensor]:
    """Give every tensor its codes, scales and factors."""
    coded = [Codes(m, s) for m, s in zip(matrices, halves, strict=False)]
    plain = iter(halves[len(matrices) :])
    own, factors = iter(coded), iter(coded[sum(e.coded for e in entries) :])
    tensors: dict[str, Codes | Tensor] = {}
    for entry in entries:
        if not entry.coded:
            tensors[entry.name] = next(plain)
            continue
        code = next(own)
        repair = Repair(next(factors), next(factors)) if entry.repair else None
        tensors[entry.name] = Codes(code.codes, code.scales, entry.rotated, repair)
    return tensors


def _stream(outer: Cursor, codec: str, packed: int, plain: int) -> bytes:
    data = outer.take(packed)
    return data if codec == "ans" else decompress(codec, data, plain)


def _size(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MOST_BYTES:
        raise ValueError(f"a stream of {value!r} bytes")
    return value


def _counted(section: bytes) -> bytes:
    return len(section).to_bytes(4, "little") + section


def _take_counted(cursor: Cursor, most: int = MOST_BYTES) -> bytes:
    length = int.from_bytes(cursor.take(4), "little")
    if length > most:
        raise ValueError(f"a section of {length} bytes")
    return cursor.take(length)


def split_bytes(tensors: list[Tensor]) -> bytes:
    """Return fp16 tensors as all low bytes, then all high bytes: like compresses with like."""
    joined = b"".join(t.contiguous().numpy().tobytes() for t in tensors)
    return np.frombuffer(joined, np.uint8).reshape(-1, 2).T.tobytes()
