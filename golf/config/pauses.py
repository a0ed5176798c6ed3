"""When test-time training pauses, so that the model itself learns from the documents so far."""

from __future__ import annotations


def pauses(number: int, prefix_docs: int | None, documents: int) -> list[int]:
    """Return after how many documents the model learns; never after the last.

    Args:
        number: pauses that are asked for; they divide the prefix evenly.
        prefix_docs: documents before the last pause; None for half of them.
        documents: how many there are.
    """
    prefix = documents // 2 if prefix_docs is None else prefix_docs
    due = [prefix * (k + 1) // number for k in range(number)]
    return sorted({n for n in due if 0 < n < documents})
