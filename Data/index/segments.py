"""What has changed since the base was built, in small immutable pieces that are merged as they pile up.

A Segment holds vectors that the base lacks; a Patch holds new filter columns for rows of the base. A later piece wins
over an earlier one. Pieces of like size are merged, so there are few of them and each row is copied a few times only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from Data.index.columns import Columns
from Data.index.rows import Rows
from Data.records import FeatureBatch, ProductColumns

_SMALL = 1024  # pieces below it are always merged
_RATIO = 4  # a piece is merged into the one before unless that is this many times larger


@dataclass(frozen=True)
class Segment:
    """Vectors in memory, searched exactly.

    Shape: ids (n,) int64, rising; live (n,) bool: False once deleted or replaced by a later segment.
    """

    ids: NDArray[np.int64]
    rows: Rows
    columns: Columns
    live: NDArray[np.bool_]

    @classmethod
    def of(cls, batch: FeatureBatch) -> Self:
        """Make a segment of one batch."""
        ids = np.asarray(batch.vector_ids, np.int64)
        return cls(ids, Rows.in_memory(batch.vectors), Columns.of(batch.columns), np.ones(len(ids), np.bool_))

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, ids: NDArray[np.int64]) -> "Segment | None":
        """Return the segment with these ids dead, None if none is left alive."""
        dead = np.isin(self.ids, ids)
        if not dead.any():
            return self
        live = self.live & ~dead
        return Segment(self.ids, self.rows, self.columns, live) if live.any() else None


def add_segment(segments: tuple[Segment, ...], new: Segment) -> tuple[Segment, ...]:
    """Return the segments with another one, merged where pieces are of like size; ids in new replace older ones."""
    kept = [part for segment in segments if (part := segment.without(new.ids)) is not None]
    while kept and len(kept[-1]) < max(_SMALL, _RATIO * len(new)):
        new = _merged(kept.pop(), new)
    return (*kept, new)


def _merged(first: Segment, second: Segment) -> Segment:
    parts = [(part, np.flatnonzero(part.live)) for part in (first, second)]
    ids = np.concatenate([part.ids[rows] for part, rows in parts])
    order = np.argsort(ids)
    vectors = np.concatenate([part.rows.vectors[rows] for part, rows in parts])[order]
    columns = Columns.join([(part.columns, rows) for part, rows in parts])
    return Segment(ids[order], Rows.in_memory(vectors), Columns.join([(columns, order)]), np.ones(len(ids), np.bool_))


@dataclass(frozen=True)
class Patch:
    """New filter columns for some rows of the base. Shape: rows (n,) int64, rising."""

    rows: NDArray[np.int64]
    columns: Columns

    @classmethod
    def of(cls, rows: NDArray[np.int64], columns: Sequence[ProductColumns]) -> Self:
        """Make a patch of rows in any order; which products they belong to stays with the base."""
        order = np.argsort(rows)
        return cls(rows[order], Columns.of([columns[place]._replace(product_id="") for place in order.tolist()]))

    def __len__(self) -> int:
        return len(self.rows)


def add_patch(patches: tuple[Patch, ...], new: Patch) -> tuple[Patch, ...]:
    """Return the patches with another one, merged where pieces are of like size; the later wins."""
    kept = list(patches)
    while kept and len(kept[-1]) < max(_SMALL, _RATIO * len(new)):
        older = kept.pop()
        stays = np.flatnonzero(~np.isin(older.rows, new.rows))
        rows = np.concatenate([older.rows[stays], new.rows])
        columns = Columns.join([(older.columns, stays), (new.columns, np.arange(len(new)))])
        order = np.argsort(rows)
        new = Patch(rows[order], Columns.join([(columns, order)]))
    return (*kept, new)
