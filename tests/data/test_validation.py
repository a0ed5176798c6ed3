"""Every validation target is scored exactly once, whatever the geometry."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.data.prepare import Prepared
from golf.data.shards import write_shard
from golf.data.validation import ValidationStream, Window, cut_windows

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure


@st.composite
def geometries(draw: st.DrawFn) -> tuple[int, int, int]:
    """Return (targets, seq_len, stride)."""
    seq_len = draw(st.integers(1, 40))
    return draw(st.integers(1, 300)), seq_len, draw(st.integers(1, seq_len))


def stream(
    folder: Path, tokens: int, files: int = 1, max_targets: int | None = None
) -> ValidationStream:
    """Return a stream whose token i stands for i % 7 bytes, in ``files`` shards."""
    ids = np.arange(tokens, dtype="<u2")
    names: dict[str, list[str]] = {"val": [], "val_bytes": []}
    for i, part in enumerate(np.array_split(ids, files)):
        for kind, content in (("val", part), ("val_bytes", part % 7)):
            names[kind].append(str(folder / f"{kind}_{i}.bin"))
            write_shard(folder / f"{kind}_{i}.bin", content)
    about = {"train": [], "vocab_size": 512, "counting": "exact", "train_tokens": 0}
    raw = int((ids[1:] % 7).sum())
    made = Prepared(**names, **about, val_tokens=tokens, val_raw_bytes=raw, val_sha256="")
    return ValidationStream(made, max_targets)


@QUICK
@given(geometries())
def test_every_target_is_scored_exactly_once_and_in_order(geometry: tuple[int, int, int]) -> None:
    windows = cut_windows(*geometry)
    scored = [t for w in windows for t in range(w.scored, w.end)]
    assert scored == list(range(geometry[0]))


@QUICK
@given(geometries())
def test_a_window_is_no_longer_than_a_sequence_and_scores_something(
    geometry: tuple[int, int, int],
) -> None:
    targets, seq_len, _ = geometry
    for w in cut_windows(*geometry):
        assert 0 <= w.start <= w.scored < w.end <= targets
        assert w.end - w.start <= seq_len


@QUICK
@given(geometries())
def test_after_the_first_window_every_target_has_the_full_context(
    geometry: tuple[int, int, int],
) -> None:
    _, seq_len, stride = geometry
    first, *later = cut_windows(*geometry)
    assert first.start == first.scored == 0
    assert all(w.scored - w.start == seq_len - stride for w in later)
    assert all(w.end - w.start == seq_len for w in [first, *later][:-1])


@QUICK
@given(st.integers(1, 300), st.integers(1, 40))
def test_chunked_windows_do_not_overlap(targets: int, seq_len: int) -> None:
    windows = cut_windows(targets, seq_len, seq_len)
    assert len(windows) == -(-targets // seq_len)
    assert [w.start for w in windows] == [w.scored for w in windows]
    assert all(a.end == b.start for a, b in pairwise(windows))


def test_a_sliding_geometry_by_hand() -> None:
    assert cut_windows(11, 4, 2) == [
        Window(0, 0, 4), Window(2, 4, 6), Window(4, 6, 8), Window(6, 8, 10), Window(8, 10, 11),
    ]  # fmt: skip


@QUICK
@given(geometry=geometries(), rows=st.integers(1, 5), files=st.integers(1, 3))
def test_batches_score_every_byte_once(
    tmp_path_factory: pytest.TempPathFactory,
    geometry: tuple[int, int, int],
    rows: int,
    files: int,
) -> None:
    targets, seq_len, stride = geometry
    made = stream(tmp_path_factory.getbasetemp(), targets + 1, files)
    scored: list[int] = []
    for inputs, wanted, counted in made.batches(cut_windows(targets, seq_len, stride), rows):
        assert inputs.shape == wanted.shape == counted.shape
        assert len(inputs) <= rows
        assert torch.equal(wanted, inputs + 1)  # the tokens count upwards
        kept = counted >= 0
        assert torch.equal(counted[kept], wanted[kept] % 7)
        assert set(counted[~kept].tolist()) <= {-1}
        scored += wanted[kept].tolist()
    assert scored == list(range(1, targets + 1))


def test_totals_equal_the_raw_bytes(tmp_path: Path) -> None:
    made = stream(tmp_path, 201)
    for stride in (1, 5, 16):
        batches = made.batches(cut_windows(200, 16, stride), 4)
        total = sum(int(c.clamp(min=0).sum()) for _, _, c in batches)
        assert total == sum(t % 7 for t in range(1, 201))


def test_a_target_of_no_bytes_is_scored_and_not_marked(tmp_path: Path) -> None:
    ((_, wanted, counted),) = stream(tmp_path, 9).batches([Window(0, 3, 8)], 1)
    assert wanted.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8]]
    assert counted.tolist() == [[-1, -1, -1, 4, 5, 6, 0, 1]]


def test_marking_a_batch_leaves_the_stream_as_it_was(tmp_path: Path) -> None:
    made = stream(tmp_path, 30)
    before = made.token_bytes.clone()
    list(made.batches(cut_windows(29, 8, 2), 3))
    assert torch.equal(made.token_bytes, before)


def test_only_windows_of_one_length_share_a_batch(tmp_path: Path) -> None:
    windows = cut_windows(22, 8, 8)
    shapes = [tuple(i.shape) for i, _, _ in stream(tmp_path, 23).batches(windows, 4)]
    assert shapes == [(2, 8), (1, 6)]


@pytest.mark.parametrize(
    ("most", "targets", "whole"),
    [(None, 49, True), (49, 49, True), (50, 49, True), (12, 12, False)],
)
def test_a_limit_keeps_the_first_targets_and_says_so(
    tmp_path: Path, most: int | None, targets: int, whole: bool
) -> None:
    made = stream(tmp_path, 50, files=3, max_targets=most)
    assert (made.targets, made.whole) == (targets, whole)
    assert made.tokens.tolist() == list(range(targets + 1))
    assert len(made.token_bytes) == targets + 1
