"""Every validation target is scored exactly once, whatever the geometry."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.config.geometry import parse_geometry
from golf.config.tokens import BOS
from golf.data.prepare import Prepared
from golf.data.shards import write_shard
from golf.data.validation import (
    ValidationStream,
    Window,
    batch_rows,
    cut_windows,
    open_validation,
)

QUICK = settings(deadline=None, max_examples=50)  # a busy machine is not a failure


@st.composite
def geometries(draw: st.DrawFn) -> tuple[int, int, int]:
    """Return (targets, seq_len, stride)."""
    seq_len = draw(st.integers(1, 40))
    return draw(st.integers(1, 300)), seq_len, draw(st.integers(1, seq_len))


def dataset(folder: Path, tokens: int, files: int = 1) -> Prepared:
    """Return a split whose token i stands for i % 7 bytes, in ``files`` shards."""
    ids = np.arange(tokens, dtype="<u2")
    names: dict[str, list[str]] = {"val": [], "val_bytes": []}
    for i, part in enumerate(np.array_split(ids, files)):
        for kind, content in (("val", part), ("val_bytes", part % 7)):
            names[kind].append(str(folder / f"{kind}_{i}.bin"))
            write_shard(folder / f"{kind}_{i}.bin", content)
    about = {"train": [], "vocab_size": 512, "counting": "exact", "train_tokens": 0}
    raw = int((ids[1:] % 7).sum())
    return Prepared(**names, **about, val_tokens=tokens, val_raw_bytes=raw, val_sha256="")


def text(*lengths: int) -> ValidationStream:
    """Return documents of so many inputs each, counting upwards from 100 between BOS tokens."""
    tokens = torch.arange(100, 101 + sum(lengths))
    tokens[torch.tensor([0, *lengths]).cumsum(0)] = BOS
    return ValidationStream(tokens, torch.ones_like(tokens))


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


GEOMETRIES = st.sampled_from(["chunked", "sliding3", "documents", "documents3", "sliding8"])
TEXTS = st.lists(st.integers(1, 30), min_size=1, max_size=12)


@QUICK
@given(lengths=TEXTS, name=GEOMETRIES, tokens=st.integers(1, 40))
def test_batches_hold_every_target_once_behind_its_own_inputs(
    lengths: list[int], name: str, tokens: int
) -> None:
    made, geometry = text(*lengths), parse_geometry(name)
    assert geometry is not None
    rows = made.rows(made.windows(geometry, 8), geometry, 8)
    scored: list[int] = []
    for some in batch_rows(rows, tokens):
        batch = made.batch(some)
        last = batch.places.size(1)
        assert len(batch.inputs) * batch.inputs.size(1) <= max(tokens, 8)
        kept = batch.places >= 0
        places = batch.places[kept]
        assert torch.equal(batch.targets[kept], made.tokens[places + 1])
        assert torch.equal(batch.inputs[:, -last:][kept], made.tokens[places])
        assert set(batch.targets[~kept].tolist()) <= {0}
        scored += places.tolist()
    assert sorted(scored) == list(range(made.targets))


@QUICK
@given(lengths=TEXTS, stride=st.sampled_from(["", "3"]))
def test_packed_windows_begin_with_bos_and_know_where(lengths: list[int], stride: str) -> None:
    made, geometry = text(*lengths), parse_geometry("documents" + stride)
    assert geometry is not None
    rows = made.rows(made.windows(geometry, 8), geometry, 8)
    for row in rows:
        batch = made.batch([row])
        if batch.starts is None:
            assert len(row.windows) == 1
            continue
        used = sum(w.length for w in row.windows)
        for place in range(used):
            start = int(batch.starts[0, place])
            assert batch.inputs[0, start] == BOS
            inside = batch.inputs[0, start + 1 : place + 1]
            assert BOS not in inside
    assert sum(len(row.windows) for row in rows) == len(made.windows(geometry, 8))


def test_short_documents_share_rows() -> None:
    made, geometry = text(3, 8, 5, 2, 4, 20), parse_geometry("documents")
    assert geometry is not None
    rows = made.rows(made.windows(geometry, 8), geometry, 8)
    packed = [sorted(w.length for w in row.windows) for row in rows if row.shape[2]]
    assert sorted(packed) == [[2, 4], [3, 5]]
    assert [row.shape for row in rows if not row.shape[2]] == [(8, 8, False)] * 4


def test_a_document_ends_with_the_bos_of_the_next() -> None:
    made = text(4, 1, 7)
    assert made.documents() == [(0, 4), (4, 5), (5, 12)]
    assert [int(made.tokens[stop]) for _, stop in made.documents()] == [BOS] * 3


def test_a_stream_that_begins_inside_a_document_is_cut_all_the_same() -> None:
    made = text(6, 6)
    made = ValidationStream(made.tokens[2:], made.token_bytes[2:])
    geometry = parse_geometry("documents")
    assert geometry is not None
    assert made.documents() == [(0, 4), (4, 10)]
    rows = made.rows(made.windows(geometry, 8), geometry, 8)
    assert [row.shape[2] for row in rows] == [False, True]  # no BOS, so nothing may stand before


@pytest.mark.parametrize(("name", "times"), [("chunked", 0), ("documents", 1)])
def test_documents_are_looked_up_once_and_only_where_they_matter(
    monkeypatch: pytest.MonkeyPatch, name: str, times: int
) -> None:
    made, geometry, calls = text(5, 9, 3), parse_geometry(name), []
    assert geometry is not None
    look = torch.nonzero
    monkeypatch.setattr(torch, "nonzero", lambda t: calls.append(t) or look(t))
    windows = made.windows(geometry, 8)
    for window in windows:
        made.rows([window], geometry, 8)
    assert len(calls) == times


def test_only_the_scored_end_of_sliding_windows_is_asked_for() -> None:
    made, geometry = text(30), parse_geometry("sliding3")
    assert geometry is not None
    rows = made.rows(made.windows(geometry, 8), geometry, 8)
    assert [r.shape for r in rows] == [(8, 8, False), *[(8, 3, False)] * 7, (6, 1, False)]
    shapes = [tuple(made.batch(b).targets.shape) for b in batch_rows(rows, 32)]
    assert shapes == [(1, 8), (4, 3), (3, 3), (1, 1)]


@pytest.mark.parametrize("name", ["sliding3", "documents3"])
def test_filled_batches_have_few_shapes_and_score_the_same(name: str) -> None:
    made, geometry = text(30, 3, 5, 4, 30, 6), parse_geometry(name)
    assert geometry is not None
    rows = made.rows(made.windows(geometry, 8), geometry, 8)
    found = [[made.batch(b) for b in batch_rows(rows, 32, filled=x)] for x in (False, True)]
    shapes = [tuple(b.places.shape) for b in found[1]]
    assert len(set(shapes)) == len({row.shape for row in rows})
    plain, filled = (torch.cat([b.places[b.places >= 0] for b in bs]) for bs in found)
    assert torch.equal(plain, filled)


@pytest.mark.parametrize(
    ("most", "targets", "whole"),
    [(None, 49, True), (49, 49, True), (50, 49, True), (12, 12, False)],
)
def test_a_limit_keeps_the_first_targets_and_says_so(
    tmp_path: Path, most: int | None, targets: int, whole: bool
) -> None:
    made = open_validation(dataset(tmp_path, 50, files=3), most)
    assert (made.targets, made.whole) == (targets, whole)
    assert made.tokens.tolist() == list(range(targets + 1))
    assert made.token_bytes.tolist() == [i % 7 for i in range(targets + 1)]
