"""An artifact, and files that are none: cut, forged, or hostile."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import brotli
import torch
from hypothesis import strategies as st

from golf.quant.artifact import (
    HEAD,
    MAGIC,
    Artifact,
    Packing,
)
from golf.quant.grid import Codes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


FAST = Packing("brotli", 1)


def example() -> Artifact:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(-127, 128, (6, 9), generator=generator, dtype=torch.int8)
    return Artifact(
        {"model.depth": 2, "note": "näher"},
        {
            "blocks.0.q": Codes(codes, torch.rand(6, generator=generator).half()),
            "gain": torch.randn(5, generator=generator).half(),
            "blocks.1.q": Codes(codes.flip(0), torch.rand(6, generator=generator).half()),
        },
    )


def write_raw(folder: Path, data: bytes) -> Path:
    path = folder / "raw.bin"
    path.write_bytes(data)
    return path


def sealed(rest: bytes) -> bytes:
    """Return a file whose hash is right."""
    return MAGIC + hashlib.sha256(rest).digest() + rest


def pack(payload: bytes, streams: bytes = b"", codec: int = 1, length: int | None = None) -> bytes:
    """Return a brotli file around ``payload`` whose lengths and hash are right."""
    main = brotli.compress(payload, quality=1)
    promised = len(payload) if length is None else length
    return sealed(HEAD.pack(codec, promised, len(main)) + main + streams)


PLAIN = [False, False, False, False]


def payload(header: object, body: bytes = b"", side: bytes = b"") -> bytes:
    if isinstance(header, dict):
        header = {"settings": {}, "tensors": [], "layout": PLAIN, "streams": []} | header
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    sections = [len(text).to_bytes(4, "little"), text, len(side).to_bytes(4, "little"), side]
    return b"".join([*sections, body])


BIG = 1 << 31


ONE = ["a", False, [1]]


def codes_of(shape: object, groups: object = 1, *more: object) -> list[object]:
    return ["a", True, shape, groups, *more]


def listed(*entries: object) -> dict[str, object]:
    return {"tensors": list(entries)}


HOSTILE = {
    "negative size": payload(listed(["a", False, [-1]]), b"12"),
    "two negative sizes": payload(listed(["a", False, [-1, -2]]), b"1234"),
    "huge size": payload(listed(["a", False, [BIG]])),
    "huge product": payload(listed(codes_of([BIG, BIG], BIG))),
    "huge fp16 product": payload(listed(["a", False, [BIG] * 4])),
    "huge columns of no rows": payload(listed(codes_of([0, BIG + 1], 0))),
    "boundless size": payload(listed(["a", False, [10**30]])),
    "thousands of digits": payload(
        b'{"settings":{},"layout":[],"streams":[],"tensors":[["a",false,[' + b"9" * 9000 + b"]]]}"
    ),
    "overlapping sizes": payload(listed(ONE, ["b", False, [1]]), b"12"),
    "bool as size": payload(listed(["a", False, [True]]), b"12"),
    "fraction as size": payload(listed(["a", False, [1.0]]), b"12"),
    "text as shape": payload(listed(["a", False, "1"]), b"12"),
    "number as shape": payload(listed(["a", False, 1]), b"12"),
    "number as name": payload(listed([1, False, [1]]), b"12"),
    "number as kind": payload(listed(["a", 0, [1]]), b"12"),
    "list as kind": payload(listed(["a", [True], [1]]), b"12"),
    "vector of codes": payload(listed(codes_of([1])), b"123"),
    "five axes": payload(listed(["a", False, [1] * 5]), b"12"),
    "two of one name": payload(listed(ONE, ONE), b"1234"),
    "codes and plain of one name": payload(listed(ONE, codes_of([1, 1])), b"12345"),
    "scales of a plain tensor": payload(listed(["a", False, [1], 1]), b"1234"),
    "scales that leave codes over": payload(listed(codes_of([2, 2], 3)), b"1234" + b"12" * 3),
    "codes without scales": payload(listed(codes_of([2, 2], 0)), b"1234"),
    "half a repair": payload(listed(codes_of([2, 2], 2, False, [1, 1])), bytes(99)),
    "a repair that is no list": payload(listed(codes_of([2, 2], 2, False, 3)), bytes(99)),
    "a huge repair": payload(listed(codes_of([2, 2], 2, False, [BIG, 1, 1])), bytes(99)),
    "rows of no columns": payload(listed(codes_of([BIG, 0], 0))),
    "a repair of no columns": payload(listed(codes_of([1 << 20, 0], 0, False, [1 << 20, 1, 1]))),
    "many rows of no columns": payload(
        listed(*([f"t{i}", True, [BIG >> 2, 0], 0] for i in range(64)))
    ),
    "a plain size beyond all counting": payload(listed(["a", False, [BIG, BIG, BIG, 0]])),
    "left-over byte": payload(listed(ONE), b"123"),
    "missing byte": payload(listed(ONE), b"1"),
    "missing scales": payload(listed(codes_of([2, 2], 2)), b"1234"),
    "short entry": payload(listed(["a", False])),
    "long entry": payload(listed([*ONE, 0, False, None, 1]), b"12"),
    "number as entry": payload(listed(1)),
    "object as entry": payload(listed({"a": 1, "b": 2, "c": 3})),
    "no list of tensors": payload({"tensors": 7}),
    "text as tensors": payload({"tensors": "abc"}),
    "no tensors": payload(b'{"settings":{},"layout":[],"streams":[]}'),
    "no settings": payload(b'{"tensors":[],"layout":[],"streams":[]}'),
    "list as settings": payload({"settings": []}),
    "a layout of text": payload({"layout": 5}),
    "a layout too long": payload({"layout": [False] * 5}),
    "a stream too many": payload({"streams": [[0, 0]]}),
    "a stream of text": payload({"streams": [["a", "b"]]}),
    "a stream of less than nothing": payload({"streams": [[-1, -1]]}),
    "streams by kind that are not there": payload({"layout": [True, False, False, False]}),
    "list as header": payload([]),
    "null as header": payload(None),
    "header that is no JSON": payload(b"{'settings': {}}"),
    "header that is no text": payload(b"\xff\xfe\xfd"),
    "deep header": payload(b"[" * 200_000),
    "deep settings": payload(
        b'{"tensors":[],"layout":[],"streams":[],"settings":{"a":'
        + b"[" * 200_000 + b"]" * 200_000 + b"}}"
    ),
    "header longer than the payload": (BIG).to_bytes(4, "little") + b"{}",
    "no header": b"",
    "half a header length": b"\x01\x00",
}  # fmt: skip
