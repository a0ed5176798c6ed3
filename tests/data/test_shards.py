"""The challenge's shard format, byte by byte."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.data.shards import open_shard, write_shard
from golf.errors import GolfError

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure


def shard_bytes(tokens: list[int], magic: int = 20240520, version: int = 1) -> bytes:
    """Return a shard as the format is described, by another route."""
    header = struct.pack("<256i", magic, version, len(tokens), *[0] * 253)
    return header + struct.pack(f"<{len(tokens)}H", *tokens)


def test_a_shard_is_a_header_of_256_integers_and_two_bytes_a_token(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.bin", np.array([1, 2, 258, 65535], "<u2"))
    assert (tmp_path / "s.bin").read_bytes() == shard_bytes([1, 2, 258, 65535])


def test_writing_leaves_nothing_but_the_shard(tmp_path: Path) -> None:
    write_shard(tmp_path / "s.bin", np.arange(5, dtype="<u2"))
    assert [p.name for p in tmp_path.iterdir()] == ["s.bin"]


@QUICK
@given(tokens=st.lists(st.integers(0, 65535), min_size=1, max_size=300))
def test_tokens_are_read_back(tmp_path_factory: pytest.TempPathFactory, tokens: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.bin"
    path.write_bytes(shard_bytes(tokens))
    found = open_shard(path)
    assert (found.tolist(), found.dtype) == (tokens, np.uint16)


GOOD = shard_bytes([5, 6, 7])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (shard_bytes([5], magic=20240521), "not a token shard"),
        (shard_bytes([5], version=2), "not a token shard"),
        (struct.pack(">256i", 20240520, 1, 0, *[0] * 253), "not a token shard"),
        (b"", "not a token shard"),
        (GOOD[:1000], "not a token shard"),
        (GOOD[:-1], "1029 bytes do not hold the 3 tokens"),
        (GOOD[:-2], "1028 bytes do not hold the 3 tokens"),
        (GOOD + b"\0\0", "1032 bytes do not hold the 3 tokens"),
        (struct.pack("<256i", 20240520, 1, -1, *[0] * 253), "do not hold the -1 tokens"),
    ],
)
def test_a_file_of_another_format_or_size_is_refused(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = tmp_path / "x_val_000.bin"
    path.write_bytes(content)
    with pytest.raises(GolfError, match=what) as caught:
        open_shard(path)
    assert caught.value.problems[0].where == str(path)


def test_an_empty_shard_holds_no_tokens(tmp_path: Path) -> None:
    (tmp_path / "s.bin").write_bytes(shard_bytes([]))
    assert len(open_shard(tmp_path / "s.bin")) == 0
