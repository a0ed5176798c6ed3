"""Reading a sequence of arrays from bytes, never more than there are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Cursor:
    """A place in some bytes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes.

        Raises:
            ValueError: there are not so many.
        """
        taken = self.data[self.place : self.place + count]
        if len(taken) != count:
            raise ValueError("a section is cut off")
        self.place += count
        return taken

    def array(self, kind: str, count: int) -> NDArray[Any]:
        """Return the next ``count`` numbers of a numpy type, little endian."""
        return np.frombuffer(self.take(count * np.dtype(kind).itemsize), kind)

    def finish(self) -> None:
        """Check that nothing is left over."""
        if self.place != len(self.data):
            raise ValueError("bytes are left over")
