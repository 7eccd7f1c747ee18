"""A set of rows that may be returned, in the shape that Faiss tests quickest."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from Data.index.native import faiss

_KEPT_ROWS = 20_000


class Allowed:
    """A subset of the rows 0 .. total - 1, one bit each.

    It is made once for a filter and used by many queries, so what they derive from it is kept.

    Args:
        mask: True where a row may be returned. Shape: (total,).
    """

    def __init__(self, mask: NDArray[np.bool_]) -> None:
        self.total = len(mask)
        self.count = int(np.count_nonzero(mask))
        self.bits: NDArray[np.uint8] = np.packbits(mask, bitorder="little")
        self._rows: NDArray[np.int64] | None = None
        self.per_list: NDArray[np.int64] | None = None
        """How many of the rows each inverted list holds; the compact index fills it in."""

    @property
    def share(self) -> float:
        """The part of the rows that is allowed, 0..1."""
        return self.count / self.total if self.total else 0.0

    def mask(self) -> NDArray[np.bool_]:
        """Return the rows as booleans. Shape: (total,)."""
        return np.unpackbits(self.bits, count=self.total, bitorder="little").view(np.bool_)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The allowed rows, rising; kept only where they are few, for they take 8 bytes each. Shape: (count,)."""
        if self._rows is None:
            rows = np.flatnonzero(self.mask()).astype(np.int64)
            if len(rows) > _KEPT_ROWS:
                return rows
            self._rows = rows
        return self._rows

    @cached_property
    def selector(self) -> Any:
        """The rows for Faiss, which reads self.bits in place."""
        return faiss.IDSelectorBitmap(self.bits)
