"""A payload that was made to harm is refused, and takes no memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.errors import GolfError
from golf.quant.artifact import (
    CODECS,
    read_artifact,
)
from golf.quant.codec import entropy
from tests.quant.artifacts import (
    HOSTILE,
    JSON,
    ONE,
    codes_of,
    listed,
    pack,
    payload,
    write_raw,
)


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
