"""Codecs: what goes in comes out, whatever it is, and structure is found where there is some."""

from __future__ import annotations

import time

import brotli
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from golf.quant.codec import entropy, rans, row_tree
from golf.quant.codec.compress import COMPRESSORS, compress, decompress
from golf.quant.codec.layout import Layout, arrange, restore, similar_order
from golf.quant.codec.scale_model import entropy_bytes, frequencies, symmetric_table

Matrix = NDArray[np.int8]
SIDE = st.integers(0, 30)
LAYOUTS = st.builds(Layout, st.booleans(), st.booleans(), st.booleans(), st.booleans())


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    """Draw noise of any width, rows that resemble each other, or columns of many sizes."""
    random = np.random.default_rng(draw(st.integers(0, 999)))
    shape = draw(st.one_of(st.tuples(SIDE, SIDE), st.just((70, 64)), st.just((256, 20))))
    codes = random.normal(0, draw(st.sampled_from([0.0, 0.6, 3.0, 60.0])), shape)
    if draw(st.booleans()) and shape[0]:
        codes += random.normal(0, 20, shape[1]) * random.choice([-1, 0.5, 1], (shape[0], 1))
    if draw(st.booleans()):
        codes *= 2.0 ** random.uniform(-4, 1, shape[1])
    return codes.round().clip(-127, 127).astype(np.int8)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(matrices(), st.integers(0, 3)), max_size=4))
def test_entropy_coded_matrices_come_back(items: list[tuple[Matrix, int]]) -> None:
    used = sorted({kind for _, kind in items})
    kinds = [used.index(kind) for _, kind in items]
    side, coded = entropy.encode([m for m, _ in items], kinds)
    found = entropy.decode([m.shape for m, _ in items], kinds, side, coded)
    for (matrix, _), back in zip(items, found, strict=True):
        assert back.dtype == np.int8
        assert np.array_equal(matrix, back)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(matrices(), st.integers(0, 3)), max_size=5), LAYOUTS)
def test_laid_out_matrices_come_back(items: list[tuple[Matrix, int]], layout: Layout) -> None:
    found, kinds = [m for m, _ in items], [kind for _, kind in items]
    orders, streams = arrange(found, kinds, layout)
    back = restore([m.shape for m in found], kinds, layout, orders, streams)
    assert all(np.array_equal(a, b) for a, b in zip(found, back, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(COMPRESSORS))
def test_compressed_bytes_come_back_and_nothing_longer(data: bytes, name: str) -> None:
    packed = compress(name, data, quality=5)
    assert decompress(name, packed, len(data)) == data
    for length in {max(0, len(data) - 1), len(data) + 1} - {len(data)}:
        with pytest.raises(ValueError, match="length"):
            decompress(name, packed, length)
    for cut in range(0, len(packed) - 1, 7):
        with pytest.raises(ValueError, match=name):
            decompress(name, packed[:cut], len(data) + (not data))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(COMPRESSORS))
def test_noise_is_no_stream(noise: bytes, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        decompress(name, noise, 1 << 20)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 9000), st.integers(1, 5), st.integers(0, 99))
def test_symbols_come_back_at_their_entropy(count: int, contexts: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    spreads = random.uniform(0.3, 20, contexts)
    context = random.integers(0, contexts, count).astype(np.uint8)
    codes = random.normal(0, spreads[context]).round().clip(-127, 127).astype(np.int64)
    counts = np.stack(
        [np.bincount(np.abs(codes[context == c]), minlength=128) for c in range(contexts)]
    )
    tables = frequencies(np.stack([symmetric_table(c) for c in counts]))
    symbols = (codes + 128).astype(np.uint8)
    packed = rans.encode(symbols, context, tables)
    assert np.array_equal(rans.decode(packed, context, tables), symbols)
    ideal = sum(entropy_bytes(np.bincount(symbols[context == c])) for c in range(contexts))
    assert len(packed) <= 1.01 * ideal + 200 * contexts


@given(st.lists(st.integers(0, 10**7), min_size=128, max_size=128))
@settings(max_examples=100, deadline=None)
def test_tables_are_symmetric_and_complete(counts: list[int]) -> None:
    table = frequencies(symmetric_table(np.array(counts))[None])[0].astype(np.int64)
    assert table.sum() == rans.TOTAL
    assert np.array_equal(table[1:128][::-1], table[129:])
    assert table[0] == 0
    assert all(table[128 + i] > 0 for i, c in enumerate(counts) if c)


def test_a_table_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="zero"):
        frequencies(np.zeros((1, 128), np.uint8))


def test_a_table_of_rare_codes_leaves_a_place_for_zero() -> None:
    counts = np.ones(128, np.int64)
    counts[127] = 10**9
    table = frequencies(symmetric_table(counts)[None])[0]
    assert table.sum() == rans.TOTAL
    assert table[128] >= 1


@pytest.mark.parametrize("change", ["cut", "longer", "odd", "empty"])
def test_damaged_codes_are_refused(change: str) -> None:
    context = np.zeros(20_000, np.uint8)
    tables = frequencies(symmetric_table(np.r_[500, 300, 200, np.zeros(125, int)])[None])
    symbols = np.random.default_rng(0).integers(126, 131, 20_000).astype(np.uint8)
    good = rans.encode(symbols, context, tables)
    bad = {"cut": good[:-2], "longer": good + b"ab", "odd": good + b"a", "empty": b""}[change]
    with pytest.raises(ValueError, match="integers"):
        rans.decode(bad, context, tables)


def trained_like(rows: int, columns: int) -> Matrix:
    """Return codes whose columns differ in size, as hidden units do."""
    random = np.random.default_rng(0)
    sizes = 3.0 * 2.0 ** random.normal(0, 0.7, columns)
    return random.normal(0, sizes, (rows, columns)).round().clip(-127, 127).astype(np.int8)


def resembling(rows: int, columns: int) -> Matrix:
    """Return rows that come in families, as the rows of embeddings do."""
    random = np.random.default_rng(0)
    families = random.normal(0, 12, (rows // 8, columns))
    noise = random.normal(0, 5, (rows, columns))
    mixed = families[random.integers(0, rows // 8, rows)] + noise
    return mixed.round().clip(-127, 127).astype(np.int8)


@pytest.mark.parametrize(
    ("matrix", "share"), [(trained_like(512, 256), 0.96), (resembling(512, 256), 0.90)]
)
def test_structure_is_worth_more_than_brotli_finds(matrix: Matrix, share: float) -> None:
    side, coded = entropy.encode([matrix], [0])
    ours = len(brotli.compress(side)) + len(coded)
    assert ours < share * len(brotli.compress(matrix.tobytes(), quality=11, lgwin=24))


def test_a_tree_of_rows_is_undone_and_makes_relatives_smaller() -> None:
    codes = resembling(256, 64).astype(np.int16)
    parents, factors = row_tree.grow_tree(codes)
    rest = row_tree.subtract(codes, parents, factors)
    assert np.array_equal(row_tree.add(rest, parents, factors), codes)
    assert np.abs(rest).mean() < 0.8 * np.abs(codes).mean()
    assert (factors == 0).any(), "the root has no parent"


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.integers(0, 99))
def test_any_forest_of_rows_is_undone_and_rings_are_refused(rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    codes = random.integers(-127, 128, (rows, 5)).astype(np.int16)
    parents = np.array([random.integers(0, max(i, 1)) for i in range(rows)])
    factors = random.integers(-127, 128, rows)
    factors[0] = 0
    rest = row_tree.subtract(codes, parents, factors)
    assert np.array_equal(row_tree.add(rest, parents, factors), codes)
    ring = np.roll(np.arange(rows), 1)
    with pytest.raises(ValueError, match="descend"):
        row_tree.add(rest, ring, np.ones(rows, np.int64))
    with pytest.raises(ValueError, match="parent"):
        row_tree.add(rest, parents + rows, np.ones(rows, np.int64))


def test_a_line_of_descent_is_not_looked_for_among_all_rows() -> None:
    line, clocks = 4096, []
    for rows in (line, 1 << 20):
        rest, parents = np.ones((rows, 1), np.int16), np.arange(-1, rows - 1) % line
        factors = np.where(np.arange(rows) < line, row_tree.FACTOR_UNIT, 0)
        factors[0] = 0
        started = time.process_time()
        codes = row_tree.add(rest, parents, factors)
        clocks.append(time.process_time() - started)
        assert np.array_equal(codes[:line, 0], (np.arange(1, line + 1) + 127) % 255 - 127)
    assert clocks[1] < 10 * clocks[0]


def test_similar_rows_become_neighbours() -> None:
    matrix = resembling(256, 64)
    order = similar_order(matrix)
    assert order is not None
    assert sorted(order) == list(range(256))
    steps = [np.abs(np.diff(m.astype(int), axis=0)).mean() for m in (matrix[order], matrix)]
    assert steps[0] < 0.8 * steps[1]
    noise = np.random.default_rng(0).integers(-9, 10, (256, 64)).astype(np.int8)
    assert similar_order(noise) is None, "naming places costs more than neighbours save"


def test_packed_codes_take_only_the_bits_that_they_need() -> None:
    codes = np.random.default_rng(0).integers(-7, 8, (100, 80)).astype(np.int8)
    _, streams = arrange([codes], [0], Layout(pack=True))
    assert len(streams[0]) == 1 + 100 * 80 * 4 // 8
