"""How codes lie in memory before a general compressor sees them.

Compressors of bytes find what stands near: rows of one size after each other, columns instead of
rows, similar rows as neighbours. Bit packing makes the input shorter and the output longer (it
destroys alignment); the knob is there to show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golf.quant.codec.cursor import Cursor
from golf.quant.codec.row_tree import MOST_ROWS

Matrix = NDArray[np.int8]
Order = NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """What happens to codes on their way to bytes.

    Attributes:
        by_kind: one stream for each kind of matrix, transposed; else all in one, row by row.
        sort_rows: similar rows next to each other, where that pays for naming their places.
        shuffle: even bytes first, then odd ones. Source: parameter-golf PR 1493 ("BSHF").
        pack: only as many bits per code as its matrix needs.
    """

    by_kind: bool = False
    sort_rows: bool = False
    shuffle: bool = False
    pack: bool = False


def arrange(
    matrices: Sequence[Matrix], kinds: Sequence[int], layout: Layout
) -> tuple[bytes, list[bytes]]:
    """Return the orders of sorted rows, and the streams of codes: one per kind, or one."""
    orders = [similar_order(m) if layout.sort_rows else None for m in matrices]
    streams = [b""] * (max(kinds, default=0) + 1 if layout.by_kind else 1)
    for matrix, kind, order in zip(matrices, kinds, orders, strict=True):
        laid = matrix if order is None else matrix[order]
        codes = laid.T if layout.by_kind else laid
        streams[kind if layout.by_kind else 0] += _to_bytes(np.ascontiguousarray(codes), layout)
    flags = bytes(o is not None for o in orders) if layout.sort_rows else b""
    places = b"".join(o.astype("<u2").tobytes() for o in orders if o is not None)
    return flags + places, streams


def restore(
    shapes: Sequence[tuple[int, int]],
    kinds: Sequence[int],
    layout: Layout,
    orders: bytes,
    streams: Sequence[bytes],
) -> list[Matrix]:
    """Undo ``arrange``.

    Raises:
        ValueError: the bytes are not what ``arrange`` made for these shapes.
    """
    cursors, side = [Cursor(s) for s in streams], Cursor(orders)
    flags = side.take(len(shapes)) if layout.sort_rows else bytes(len(shapes))
    found = [_read_order(side, s[0]) if f else None for s, f in zip(shapes, flags, strict=True)]
    done = []
    for shape, kind, order in zip(shapes, kinds, found, strict=True):
        cursor = cursors[kind if layout.by_kind else 0]
        codes = _from_bytes(cursor, shape[::-1] if layout.by_kind else shape, layout)
        codes = codes.T if layout.by_kind else codes
        if order is not None:
            back = np.empty_like(codes)
            back[order] = codes
            codes = back
        done.append(np.array(codes, order="C"))
    for cursor in (*cursors, side):
        cursor.finish()
    return done


def similar_order(matrix: Matrix) -> Order | None:
    """Return rows in the order of a walk to the nearest row not yet seen, from row 0.

    None where the rows are too many, or too unlike for the walk to pay for its two bytes a row.
    Source: parameter-golf PR 1855, which measures nearness in L1; here it is L2.
    """
    rows, columns = matrix.shape
    if not 2 < rows <= MOST_ROWS:
        return None
    codes = matrix.astype(np.float32)
    squares = (codes * codes).sum(1)
    distances = squares[:, None] + squares - 2 * (codes @ codes.T)
    order, waiting = np.zeros(rows, np.int64), np.ones(rows, bool)
    steps = np.empty(rows - 1)
    waiting[0] = False
    for i in range(1, rows):
        away = np.where(waiting, distances[order[i - 1]], np.inf)
        order[i] = away.argmin()
        steps[i - 1] = away[order[i]]
        waiting[order[i]] = False
    before = np.maximum(distances[np.arange(rows - 1), np.arange(1, rows)], 1.0)
    saved_bits = columns * np.log2(before / np.maximum(steps, 1.0)).sum() / 2
    return order if saved_bits > 16 * rows else None


def _read_order(side: Cursor, rows: int) -> Order:
    order = side.array("<u2", rows).astype(np.int64)
    if not np.array_equal(np.sort(order), np.arange(rows)):
        raise ValueError("an order of rows that leaves some out")
    return order


def _to_bytes(codes: Matrix, layout: Layout) -> bytes:
    flat = codes.ravel()
    if layout.pack:
        width = max(int(np.abs(flat.astype(np.int16)).max(initial=0)).bit_length() + 1, 1)
        bits = (flat.view(np.uint8)[:, None] >> np.arange(width, dtype=np.uint8)) & 1
        return bytes([width]) + np.packbits(bits.ravel()).tobytes()
    if layout.shuffle:
        return flat[0::2].tobytes() + flat[1::2].tobytes()
    return flat.tobytes()


def _from_bytes(cursor: Cursor, shape: tuple[int, ...], layout: Layout) -> Matrix:
    size = shape[0] * shape[1]
    if layout.pack:
        width = cursor.take(1)[0]
        if not 1 <= width <= 8:
            raise ValueError(f"codes of {width} bits")
        packed = cursor.array("u1", (size * width + 7) // 8)
        bits = np.unpackbits(packed, count=size * width).reshape(size, width)
        codes = (bits << np.arange(width, dtype=np.uint8)).sum(1, dtype=np.uint8)
        signed: Matrix = (codes << np.uint8(8 - width)).view(np.int8) >> np.int8(8 - width)
        return signed.reshape(shape)
    flat = cursor.array("i1", size)
    if layout.shuffle:
        even = (size + 1) // 2
        flat, both = np.empty(size, np.int8), flat
        flat[0::2], flat[1::2] = both[:even], both[even:]
    return flat.reshape(shape)
