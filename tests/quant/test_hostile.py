"""A payload that was made to harm is refused, and takes no memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import brotli
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
from golf.quant.entry import checked_entries, weights_of
from tests.quant.artifacts import (
    HOSTILE,
    JSON,
    ONE,
    PLAIN,
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


LARGE = 1 << 20
HUGE = {
    "fp16": ["a", False, [LARGE, LARGE]],
    "codes": codes_of([LARGE, LARGE], LARGE),
    "rows of no columns": codes_of([1 << 31, 0], 0),
    "columns of no rows": codes_of([0, 1 << 31], 0),
    "a repair of no columns": codes_of([LARGE, 0], 0, False, [LARGE, 1, 1]),
    "a repair of one code": codes_of([1, 1], 1, False, [1 << 31, 1, 1]),
}


@pytest.mark.parametrize("codec", range(len(CODECS)), ids=CODECS)
@pytest.mark.parametrize("entry", HUGE.values(), ids=HUGE)
def test_huge_shapes_are_refused_without_taking_memory(
    folder: Path, entry: list[object], codec: int
) -> None:
    made = pack(payload(listed(entry), bytes(1000)), codec=codec)
    assert refusal_peak_mb(write_raw(folder, made)) < 1


def test_as_many_weights_as_models_have_are_read() -> None:
    half = [codes_of([1 << 14, 1 << 15], 1 << 14), ["b", False, [1 << 29]]]
    assert sum(map(weights_of, checked_entries(half, 16_000_000))) == 1 << 30
    with pytest.raises(ValueError, match="more weights than its size can hold"):
        checked_entries([*half, ["c", False, [1]]], 16_000_000)


def test_rows_of_no_columns_take_no_memory_when_they_are_read(folder: Path) -> None:
    shape, flags, bases = (1 << 24, 0), b"\0", b"\0\0"
    side = b"\1" + b"\0\0" + b"\1" + b"\1" + flags + bases + b"\1"
    assert entropy.decode([shape], [0], side, entropy.encode([np.zeros((0, 0), np.int8)], [0])[1])
    tracemalloc.start()
    entropy.decode([shape], [0], side, entropy.encode([np.zeros((0, 0), np.int8)], [0])[1])
    assert tracemalloc.get_traced_memory()[1] < 1e7
    tracemalloc.stop()


def test_streams_are_counted_before_one_is_unpacked(folder: Path) -> None:
    stream = brotli.compress(bytes(30_000_000), quality=1)
    sizes, by_kind = [len(stream), 30_000_000], {"layout": [True, *PLAIN[1:]]}
    for header, number in (
        ({"streams": [sizes] * 9}, 9),
        (listed(codes_of([1, 1])) | by_kind | {"streams": [sizes]}, 1),
    ):
        made = pack(payload(header, b"12"), stream * number)
        assert refusal_peak_mb(write_raw(folder, made)) < 1


def test_a_header_of_millions_of_lists_is_not_parsed(folder: Path) -> None:
    made = pack(payload(b'{"settings":[' + b"[]," * 2_000_000 + b"[]]}"))
    assert refusal_peak_mb(write_raw(folder, made)) < 40


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
    for shape in ([3, 0], [0, 4], [0, 0], [1 << 20, 0]):
        header = listed(codes_of(shape, 0, True))
        found = read_artifact(write_raw(folder, pack(payload(header))))
        assert found.weights()["a"].shape == tuple(shape), "turned back"
