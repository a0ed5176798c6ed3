"""Entropy coding with static tables: interleaved rANS in plain numpy.

Symbol number i belongs to lane i modulo the number of lanes; all lanes step together, so that one
numpy operation serves a thousand symbols. States are 32 bits, renormalised in words of 16.
Source: asymmetric numeral systems, arXiv 1311.2540; interleaving as in arXiv 1402.3392.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golf.config.coding import LANE_BYTES, lanes_for

PRECISION = 14  # frequencies of a table sum to 2^14
TOTAL = 1 << PRECISION
START = 1 << 16

Bytes = NDArray[np.uint8]
Tables = NDArray[np.uint32]  # (contexts, 256) frequencies; each row sums to TOTAL


def encode(symbols: Bytes, contexts: Bytes, tables: Tables) -> bytes:
    """Return the code of ``symbols``, each under the table that ``contexts`` names.

    Every symbol must have a frequency above zero in its table.
    """
    frequencies, starts = tables.astype(np.uint64), _starts(tables).astype(np.uint64)
    lanes = lanes_for(len(symbols))
    state = np.full(lanes, START, np.uint64)
    words: list[NDArray[np.uint16]] = []
    for first in reversed(range(0, len(symbols), lanes)):
        symbol, context = (a[first : first + lanes] for a in (symbols, contexts))
        frequency, start = frequencies[context, symbol], starts[context, symbol]
        x = state[: len(symbol)]
        full = x >= frequency << np.uint64(32 - PRECISION)
        words.append(x[full].astype(np.uint16))
        x[full] >>= np.uint64(16)
        quotient, rest = np.divmod(x, frequency)
        x[:] = (quotient << np.uint64(PRECISION)) + rest + start
    stream = np.concatenate(words[::-1]) if words else np.empty(0, np.uint16)
    return state.astype("<u4").tobytes() + stream.astype("<u2").tobytes()


def decode(packed: bytes, contexts: Bytes, tables: Tables) -> Bytes:
    """Return as many symbols as there are ``contexts``.

    Raises:
        ValueError: the code is cut off, too long or damaged.
    """
    lanes = lanes_for(len(contexts))
    head = LANE_BYTES * lanes
    if len(packed) < head or len(packed) % 2:
        raise ValueError("the coded integers are cut off")
    state = np.frombuffer(packed[:head], "<u4").astype(np.uint32)
    words = np.frombuffer(packed[head:], "<u2").astype(np.uint32)
    lookup = np.repeat(np.tile(np.arange(256, dtype=np.uint8), len(tables)), tables.ravel())
    joined = (tables << np.uint32(16) | _starts(tables)).ravel()
    symbols, place = np.empty(len(contexts), np.uint8), 0
    for first in range(0, len(contexts), lanes):
        context = contexts[first : first + lanes].astype(np.uint32)
        x = state[: len(context)]
        slot = x & np.uint32(TOTAL - 1)
        symbol = lookup[(context << np.uint32(PRECISION)) + slot]
        symbols[first : first + lanes] = symbol
        both = joined[(context << np.uint32(8)) + symbol]
        x >>= np.uint32(PRECISION)
        x *= both >> np.uint32(16)
        x += slot - (both & np.uint32(0xFFFF))
        low = np.flatnonzero(x < START)
        taken = words[place : place + len(low)]
        if len(taken) < len(low):
            raise ValueError("the coded integers are cut off")
        x[low] = x[low] << np.uint32(16) | taken
        place += len(low)
    if place != len(words) or (state != START).any():
        raise ValueError("the coded integers are damaged")
    return symbols


def _starts(tables: Tables) -> Tables:
    """Return the sum of the frequencies before each symbol."""
    return tables.cumsum(axis=1, dtype=np.uint32) - tables
