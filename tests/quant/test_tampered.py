"""An artifact that was cut off, changed, or made up of noise is refused."""

from __future__ import annotations

from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import GolfError
from golf.quant.artifact import (
    HEAD,
    MAGIC,
    Packing,
    pack_artifact,
    read_artifact,
)
from tests.quant.artifacts import (
    example,
    pack,
    sealed,
    write_raw,
)


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


def refusal(path: Path) -> str:
    """Read all weights; return what a user is told where that is refused, "" where it is not."""
    try:
        read_artifact(path).weights()
    except GolfError as told:
        return str(told)
    return ""


@settings(max_examples=300, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_under_a_right_hash_never_crashes(
    folder: Path, data: bytes, share: float, flip: int
) -> None:
    rest = bytearray(data[40:])
    rest[int(share * len(rest))] ^= flip
    path = write_raw(folder, sealed(bytes(rest)))
    assert (told := refusal(path)) == "" or told.startswith(f"{path}: not a readable artifact: ")


@settings(max_examples=300, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_changed_byte_of_an_unpacked_payload_never_crashes(
    folder: Path, data: bytes, share: float, flip: int
) -> None:
    codec, _, main = HEAD.unpack(data[40 : 40 + HEAD.size])
    first = 40 + HEAD.size
    inner = bytearray(brotli.decompress(data[first : first + main]))
    inner[int(share * len(inner))] ^= flip
    path = write_raw(folder, pack(bytes(inner), data[first + main :], codec))
    assert (told := refusal(path)) == "" or told.startswith(f"{path}: not a readable artifact: ")


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
