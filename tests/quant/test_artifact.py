"""The artifact file: it gives back what was put in, and refuses what was tampered with."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import GolfError
from golf.quant.artifact import (
    CODECS,
    HEAD,
    MAGIC,
    Artifact,
    Packing,
    pack_artifact,
    read_artifact,
    write_artifact,
)
from golf.quant.codec import entropy
from golf.quant.codec.layout import Layout
from golf.quant.grid import Codes, Repair

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
SIDE = st.integers(0, 9)
LAYOUTS = st.builds(Layout, st.booleans(), st.booleans(), st.booleans(), st.booleans())
PACKINGS = st.builds(Packing, st.sampled_from(CODECS), st.just(1), LAYOUTS)
FAST = Packing("brotli", 1)


def integers(rows: int, columns: int, most: int, generator: torch.Generator) -> torch.Tensor:
    shape = (rows, columns)
    return torch.randint(-most, most + 1, shape, generator=generator, dtype=torch.int8)


@st.composite
def tensors(draw: st.DrawFn) -> Codes | torch.Tensor:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    if draw(st.booleans()):
        rows, columns = draw(SIDE), draw(SIDE)
        codes = integers(rows, columns, draw(st.integers(0, 127)), generator)
        scales = torch.rand(rows, generator=generator).half()
        return Codes(codes, scales, draw(st.booleans()), draw(repairs(rows, columns, generator)))
    shape = draw(st.lists(SIDE, max_size=4))
    return torch.randn(shape, generator=generator).half()


def repairs(rows: int, columns: int, g: torch.Generator) -> st.SearchStrategy[Repair | None]:
    """Draw none, or factors of rank 2 on one scale and on a scale for each row."""
    if not rows * columns:
        return st.none()
    left = Codes(integers(rows, 2, 1, g), torch.rand(1, generator=g).half())
    right = Codes(integers(2, columns, 7, g), torch.rand(2, generator=g).half())
    return st.none() | st.just(Repair(left, right))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that examples of one test share: each overwrites the file."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


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


def parts(tensor: Codes | torch.Tensor) -> tuple[torch.Tensor, ...]:
    if not isinstance(tensor, Codes):
        return (tensor,)
    factors = tensor.repair or ()
    return (tensor.codes, tensor.scales, *(t for f in factors for t in (f.codes, f.scales)))


def assert_same(found: Artifact, expected: Artifact) -> None:
    assert found.settings == expected.settings
    assert list(found.tensors) == list(expected.tensors)
    for name, tensor in expected.tensors.items():
        assert getattr(found.tensors[name], "rotated", None) == getattr(tensor, "rotated", None)
        for a, b in zip(parts(found.tensors[name]), parts(tensor), strict=True):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert torch.equal(a, b)


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


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(st.text(), tensors(), max_size=5), st.dictionaries(st.text(), JSON), PACKINGS
)
def test_tensors_names_and_settings_survive_the_file(
    folder: Path, named: dict[str, Codes | torch.Tensor], values: dict[str, Any], packing: Packing
) -> None:
    path = folder / "artifact.bin"
    size = write_artifact(path, Artifact(values, named), packing)
    assert size == path.stat().st_size
    assert_same(read_artifact(path), Artifact(values, named))


@pytest.mark.parametrize("packing", [Packing(c) for c in CODECS], ids=CODECS)
def test_the_same_content_gives_the_same_bytes_again(folder: Path, packing: Packing) -> None:
    files = [folder / "one.bin", folder / "two.bin"]
    write_artifact(files[0], example(), packing)
    write_artifact(files[1], read_artifact(files[0]), packing)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_weights_are_codes_times_scales_in_float32(folder: Path) -> None:
    path = folder / "artifact.bin"
    write_artifact(path, example(), FAST)
    weights = read_artifact(path).weights()
    for name, tensor in example().tensors.items():
        expected = (
            tensor.codes.float() * tensor.scales.float()[:, None]
            if isinstance(tensor, Codes)
            else tensor.float()
        )
        assert weights[name].dtype == torch.float32
        assert torch.equal(weights[name], expected)


def test_tensors_with_transposed_memory_survive(folder: Path) -> None:
    codes = torch.arange(12, dtype=torch.int8).view(3, 4).T
    plain = torch.randn(3, 4).half().T
    artifact = Artifact({}, {"a": Codes(codes, torch.ones(8).half()[::2]), "b": plain})
    write_artifact(folder / "artifact.bin", artifact, FAST)
    assert_same(read_artifact(folder / "artifact.bin"), artifact)


def test_passed_through_tensors_are_rounded_to_fp16(folder: Path) -> None:
    exact = torch.tensor([1 / 3, 1e-3, 70.1])
    write_artifact(folder / "artifact.bin", Artifact({}, {"a": exact}), FAST)
    assert torch.equal(read_artifact(folder / "artifact.bin").weights()["a"], exact.half().float())


@pytest.mark.parametrize("codec", CODECS)
def test_repetitive_codes_cost_almost_nothing(codec: str) -> None:
    flat = Codes(torch.zeros(100, 1000, dtype=torch.int8), torch.ones(100).half())
    assert len(pack_artifact(Artifact({}, {"a": flat}), Packing(codec))) < 400


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(GolfError, match="no artifact here"):
        read_artifact(tmp_path / "nothing.bin")


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GolfError):
        read_artifact(tmp_path)


@pytest.fixture(scope="module", params=["ans", "brotli"])
def data(request: pytest.FixtureRequest) -> bytes:
    return pack_artifact(example(), Packing(request.param))


def test_a_file_cut_off_anywhere_is_refused(folder: Path, data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(GolfError, match="not a readable artifact"):
            read_artifact(write_raw(folder, data[:length]))


@settings(max_examples=200, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused(folder: Path, data: bytes, share: float, flip: int) -> None:
    changed = bytearray(data)
    changed[int(share * len(data))] ^= flip
    with pytest.raises(GolfError, match="not a readable artifact"):
        read_artifact(write_raw(folder, bytes(changed)))


@settings(max_examples=300, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_under_a_right_hash_never_crashes(
    folder: Path, data: bytes, share: float, flip: int
) -> None:
    rest = bytearray(data[40:])
    rest[int(share * len(rest))] ^= flip
    with contextlib.suppress(GolfError):
        read_artifact(write_raw(folder, sealed(bytes(rest)))).weights()


@settings(max_examples=300, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_of_an_unpacked_payload_never_crashes(
    folder: Path, data: bytes, share: float, flip: int
) -> None:
    codec, _, main = HEAD.unpack(data[40 : 40 + HEAD.size])
    first = 40 + HEAD.size
    inner = bytearray(brotli.decompress(data[first : first + main]))
    inner[int(share * len(inner))] ^= flip
    made = pack(bytes(inner), data[first + main :], codec)
    with contextlib.suppress(GolfError):
        read_artifact(write_raw(folder, made)).weights()


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(folder: Path, noise: bytes) -> None:
    for data in (noise, MAGIC + noise):
        with pytest.raises(GolfError, match="not a readable artifact"):
            read_artifact(write_raw(folder, data))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_a_rightly_hashed_payload_of_noise_is_refused(folder: Path, noise: bytes) -> None:
    with pytest.raises(GolfError, match="not a readable artifact"):
        read_artifact(write_raw(folder, pack(noise)))


def test_bytes_behind_the_streams_are_refused(folder: Path, data: bytes) -> None:
    for made in (data + b"more", sealed(data[40:] + b"more")):
        with pytest.raises(GolfError, match="not a readable artifact"):
            read_artifact(write_raw(folder, made))


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


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_payload_with_the_right_hash_is_refused(folder: Path, hostile: bytes) -> None:
    with pytest.raises(GolfError, match="not a readable artifact"):
        read_artifact(write_raw(folder, pack(hostile)))


def test_the_hostile_payloads_differ_from_good_ones_only_in_their_fault(folder: Path) -> None:
    good = payload(listed(ONE, ["b", True, [1, 2], 1]), b"\x00\x00\x3c\x40\x05\x06")
    found = read_artifact(write_raw(folder, pack(good)))
    assert set(found.tensors) == {"a", "b"}
    assert found.weights()["b"].tolist() == [[5.0, 6.0]]
    assert found.weights()["a"].tolist() == [2.0]


@settings(max_examples=150, deadline=None)
@given(JSON, JSON | st.lists(st.tuples(st.text(), st.booleans(), st.lists(st.integers()))))
def test_any_json_as_header_is_read_or_refused(folder: Path, values: Any, entries: Any) -> None:
    try:
        made = pack(payload({"settings": values, "tensors": entries}))
        found = read_artifact(write_raw(folder, made))
    except GolfError:
        return
    assert found.settings == values
    assert all(t.numel() == 0 for t in found.weights().values())


def refusal_peak_mb(path: Path) -> float:
    """Return the most memory that reading a refused file took."""
    tracemalloc.start()
    try:
        with pytest.raises(GolfError, match="not a readable artifact"):
            read_artifact(path)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("claimed", [0, 100, 1 << 31, (1 << 31) + 1, 1 << 63])
def test_a_false_length_is_refused_without_taking_memory(folder: Path, claimed: int) -> None:
    assert refusal_peak_mb(write_raw(folder, pack(b"x", length=claimed))) < 1


def test_a_stream_that_swells_beyond_its_length_is_not_unpacked(folder: Path) -> None:
    assert refusal_peak_mb(write_raw(folder, pack(bytes(30_000_000), length=100))) < 1


@pytest.mark.parametrize("codec", range(len(CODECS)), ids=CODECS)
@pytest.mark.parametrize("coded", [False, True])
def test_huge_shapes_are_refused_without_taking_memory(
    folder: Path, coded: bool, codec: int
) -> None:
    entry = ["a", coded, [1 << 20, 1 << 20], 1 << 20 if coded else 0]
    made = pack(payload(listed(entry), bytes(1000)), codec=codec)
    assert refusal_peak_mb(write_raw(folder, made)) < 1


def test_a_compressor_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(GolfError, match="not a readable artifact"):
        read_artifact(write_raw(folder, pack(payload({}), codec=len(CODECS))))


def test_an_entropy_coded_file_with_another_stream_is_refused(folder: Path) -> None:
    codes = [np.ones((3, 4), np.int8)]
    side, coded = entropy.encode(codes, [0])
    header = listed(codes_of([3, 4])) | {"streams": [[len(coded), len(coded)]]}
    good = payload(header, b"\x00\x3c", side)
    found = read_artifact(write_raw(folder, pack(good, coded, codec=0)))
    assert found.weights()["a"].tolist() == [[1.0] * 4] * 3
    for stream in (coded[:-2], coded + b"\0\0", coded[::-1], b""):
        header["streams"] = [[len(stream), len(stream)]]
        made = pack(payload(header, b"\x00\x3c", side), stream, codec=0)
        with pytest.raises(GolfError, match="not a readable artifact"):
            read_artifact(write_raw(folder, made))


def test_huge_sizes_of_nothing_are_nothing(folder: Path) -> None:
    header = listed(["a", False, [0, 1 << 31, 1 << 31]])
    found = read_artifact(write_raw(folder, pack(payload(header))))
    assert found.weights()["a"].numel() == 0


def test_special_fp16_values_survive(folder: Path) -> None:
    values = torch.tensor([math.inf, -math.inf, 0.0, -0.0, 2.0**-24, 65504.0]).half()
    write_artifact(folder / "artifact.bin", Artifact({}, {"a": values}), FAST)
    found = read_artifact(folder / "artifact.bin").tensors["a"]
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found.view(torch.int16), values.view(torch.int16))
