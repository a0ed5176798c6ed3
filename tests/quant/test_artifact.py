"""The artifact file: it gives back what was put in, and refuses what was tampered with."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import GolfError
from golf.quant.artifact import MAGIC, Artifact, read_artifact, write_artifact
from golf.quant.grid import Codes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
SIDE = st.integers(0, 9)


@st.composite
def tensors(draw: st.DrawFn) -> Codes | torch.Tensor:
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    if draw(st.booleans()):
        rows, columns = draw(SIDE), draw(SIDE)
        codes = torch.randint(-127, 128, (rows, columns), generator=generator, dtype=torch.int8)
        return Codes(codes, torch.rand(rows, generator=generator).half())
    shape = draw(st.lists(SIDE, max_size=4))
    return torch.randn(shape, generator=generator).half()


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
    return (tensor.codes, tensor.scales) if isinstance(tensor, Codes) else (tensor,)


def assert_same(found: Artifact, expected: Artifact) -> None:
    assert found.settings == expected.settings
    assert list(found.tensors) == list(expected.tensors)
    for name, tensor in expected.tensors.items():
        for a, b in zip(parts(found.tensors[name]), parts(tensor), strict=True):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert torch.equal(a, b)


def write_raw(folder: Path, data: bytes) -> Path:
    path = folder / "raw.bin"
    path.write_bytes(data)
    return path


def pack(payload: bytes) -> bytes:
    """Return a file around ``payload`` whose length and hash are right."""
    head = MAGIC + len(payload).to_bytes(8, "little") + hashlib.sha256(payload).digest()
    return head + brotli.compress(payload, quality=1)


def payload(header: object, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(4, "little") + text + body


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(st.text(), tensors(), max_size=5), st.dictionaries(st.text(), JSON))
def test_tensors_names_and_settings_survive_the_file(
    folder: Path, named: dict[str, Codes | torch.Tensor], values: dict[str, Any]
) -> None:
    path = folder / "artifact.bin"
    size = write_artifact(path, Artifact(values, named), quality=1)
    assert size == path.stat().st_size
    assert_same(read_artifact(path), Artifact(values, named))


@pytest.mark.parametrize("quality", [0, 5, 11])
def test_the_same_content_gives_the_same_bytes_again(folder: Path, quality: int) -> None:
    files = [folder / "one.bin", folder / "two.bin"]
    write_artifact(files[0], example(), quality)
    write_artifact(files[1], read_artifact(files[0]), quality)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_weights_are_codes_times_scales_in_float32(folder: Path) -> None:
    path = folder / "artifact.bin"
    write_artifact(path, example(), quality=5)
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
    write_artifact(folder / "artifact.bin", artifact, quality=1)
    assert_same(read_artifact(folder / "artifact.bin"), artifact)


def test_passed_through_tensors_are_rounded_to_fp16(folder: Path) -> None:
    exact = torch.tensor([1 / 3, 1e-3, 70.1])
    write_artifact(folder / "artifact.bin", Artifact({}, {"a": exact}), quality=1)
    assert torch.equal(read_artifact(folder / "artifact.bin").weights()["a"], exact.half().float())


def test_repetitive_codes_cost_almost_nothing(folder: Path) -> None:
    flat = Codes(torch.zeros(100, 1000, dtype=torch.int8), torch.ones(100).half())
    assert write_artifact(folder / "artifact.bin", Artifact({}, {"a": flat}), quality=11) < 200


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(GolfError, match="no artifact here"):
        read_artifact(tmp_path / "nothing.bin")


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GolfError):
        read_artifact(tmp_path)


def written(folder: Path) -> bytes:
    write_artifact(folder / "good.bin", example(), quality=9)
    return (folder / "good.bin").read_bytes()


def test_a_file_cut_off_anywhere_is_refused(folder: Path) -> None:
    data = written(folder)
    for length in range(len(data)):
        with pytest.raises(GolfError, match="not a readable artifact"):
            read_artifact(write_raw(folder, data[:length]))


@settings(max_examples=300, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_harmless_but_never_another_content(
    folder: Path, share: float, flip: int
) -> None:
    data = bytearray(written(folder))
    data[int(share * len(data))] ^= flip
    try:
        found = read_artifact(write_raw(folder, bytes(data)))
    except GolfError:
        return
    assert_same(found, example())


@pytest.mark.parametrize("place", [0, 7, 8, 15, 16, 47], ids=lambda p: f"byte {p}")
def test_a_changed_head_is_refused(folder: Path, place: int) -> None:
    data = bytearray(written(folder))
    data[place] ^= 1
    with pytest.raises(GolfError, match="not a readable artifact"):
        read_artifact(write_raw(folder, bytes(data)))


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


def test_bytes_behind_the_stream_are_refused(folder: Path) -> None:
    with pytest.raises(GolfError, match="not a readable artifact"):
        read_artifact(write_raw(folder, written(folder) + b"more"))


BIG = 1 << 31
ONE = ["a", "fp16", [1]]
HOSTILE = {
    "negative size": payload({"settings": {}, "tensors": [["a", "fp16", [-1]]]}, b"12"),
    "two negative sizes": payload({"settings": {}, "tensors": [["a", "fp16", [-1, -2]]]}, b"1234"),
    "huge size": payload({"settings": {}, "tensors": [["a", "fp16", [BIG]]]}),
    "huge product": payload({"settings": {}, "tensors": [["a", "int8", [BIG, BIG]]]}),
    "huge fp16 product": payload({"settings": {}, "tensors": [["a", "fp16", [BIG] * 4]]}),
    "huge columns of no rows": payload({"settings": {}, "tensors": [["a", "int8", [0, BIG + 1]]]}),
    "boundless size": payload({"settings": {}, "tensors": [["a", "fp16", [10**30]]]}),
    "thousands of digits": payload(
        b'{"settings":{},"tensors":[["a","fp16",[' + b"9" * 9000 + b"]]]}"
    ),
    "overlapping sizes": payload({"settings": {}, "tensors": [ONE, ["b", "fp16", [1]]]}, b"12"),
    "bool as size": payload({"settings": {}, "tensors": [["a", "fp16", [True]]]}, b"12"),
    "fraction as size": payload({"settings": {}, "tensors": [["a", "fp16", [1.0]]]}, b"12"),
    "text as shape": payload({"settings": {}, "tensors": [["a", "fp16", "1"]]}, b"12"),
    "number as shape": payload({"settings": {}, "tensors": [["a", "fp16", 1]]}, b"12"),
    "number as name": payload({"settings": {}, "tensors": [[1, "fp16", [1]]]}, b"12"),
    "unknown kind": payload({"settings": {}, "tensors": [["a", "fp32", [1]]]}, b"1234"),
    "list as kind": payload({"settings": {}, "tensors": [["a", ["fp16"], [1]]]}, b"12"),
    "vector of codes": payload({"settings": {}, "tensors": [["a", "int8", [1]]]}, b"123"),
    "five axes": payload({"settings": {}, "tensors": [["a", "fp16", [1] * 5]]}, b"12"),
    "two of one name": payload({"settings": {}, "tensors": [ONE, ONE]}, b"1234"),
    "codes and plain of one name": payload(
        {"settings": {}, "tensors": [ONE, ["a", "int8", [1, 1]]]}, b"12345"
    ),
    "left-over byte": payload({"settings": {}, "tensors": [ONE]}, b"123"),
    "missing byte": payload({"settings": {}, "tensors": [ONE]}, b"1"),
    "missing scales": payload({"settings": {}, "tensors": [["a", "int8", [2, 2]]]}, b"1234"),
    "short entry": payload({"settings": {}, "tensors": [["a", "fp16"]]}),
    "number as entry": payload({"settings": {}, "tensors": [1]}),
    "object as entry": payload({"settings": {}, "tensors": [{"a": 1, "b": 2, "c": 3}]}),
    "no list of tensors": payload({"settings": {}, "tensors": 7}),
    "text as tensors": payload({"settings": {}, "tensors": "abc"}),
    "no tensors": payload({"settings": {}}),
    "no settings": payload({"tensors": []}),
    "list as settings": payload({"settings": [], "tensors": []}),
    "list as header": payload([]),
    "null as header": payload(None),
    "header that is no JSON": payload(b"{'settings': {}}"),
    "header that is no text": payload(b"\xff\xfe\xfd"),
    "deep header": payload(b"[" * 200_000),
    "deep settings": payload(
        b'{"tensors":[],"settings":{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}}"
    ),
    "header longer than the payload": (BIG).to_bytes(4, "little") + b"{}",
    "no header": b"",
    "half a header length": b"\x01\x00",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_payload_with_the_right_hash_is_refused(folder: Path, hostile: bytes) -> None:
    with pytest.raises(GolfError, match="not a readable artifact"):
        read_artifact(write_raw(folder, pack(hostile)))


def test_the_hostile_payloads_differ_from_good_ones_only_in_their_fault(folder: Path) -> None:
    good = payload(
        {"settings": {}, "tensors": [ONE, ["b", "int8", [1, 2]]]}, b"\x05\x06\x00\x3c\x00\x40"
    )
    found = read_artifact(write_raw(folder, pack(good)))
    assert set(found.tensors) == {"a", "b"}
    assert found.weights()["b"].tolist() == [[5.0, 6.0]]
    assert found.weights()["a"].tolist() == [2.0]


@settings(max_examples=150, deadline=None)
@given(JSON, JSON | st.lists(st.tuples(st.text(), st.just("fp16"), st.lists(st.integers()))))
def test_any_json_as_header_is_read_or_refused(folder: Path, values: Any, entries: Any) -> None:
    header = {"settings": values, "tensors": entries}
    try:
        found = read_artifact(write_raw(folder, pack(payload(header))))
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
    head = MAGIC + claimed.to_bytes(8, "little") + hashlib.sha256(b"x").digest()
    assert refusal_peak_mb(write_raw(folder, head + brotli.compress(b"x"))) < 1


def test_a_stream_that_swells_beyond_its_length_is_not_unpacked(folder: Path) -> None:
    bomb = brotli.compress(bytes(30_000_000), quality=1)
    head = MAGIC + (100).to_bytes(8, "little") + hashlib.sha256(b"x").digest()
    assert refusal_peak_mb(write_raw(folder, head + bomb)) < 1


@pytest.mark.parametrize("kind", ["int8", "fp16"])
def test_huge_shapes_are_refused_without_taking_memory(folder: Path, kind: str) -> None:
    header = {"settings": {}, "tensors": [["a", kind, [1 << 20, 1 << 20]]]}
    assert refusal_peak_mb(write_raw(folder, pack(payload(header, bytes(1000))))) < 1


def test_huge_sizes_of_nothing_are_nothing(folder: Path) -> None:
    header = {"settings": {}, "tensors": [["a", "fp16", [0, 1 << 31, 1 << 31]]]}
    found = read_artifact(write_raw(folder, pack(payload(header))))
    assert found.weights()["a"].numel() == 0


def test_special_fp16_values_survive(folder: Path) -> None:
    values = torch.tensor([math.inf, -math.inf, 0.0, -0.0, 2.0**-24, 65504.0]).half()
    write_artifact(folder / "artifact.bin", Artifact({}, {"a": values}), quality=1)
    found = read_artifact(folder / "artifact.bin").tensors["a"]
    assert isinstance(found, torch.Tensor)
    assert torch.equal(found.view(torch.int16), values.view(torch.int16))
