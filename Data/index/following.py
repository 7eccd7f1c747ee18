"""How a snapshot follows the change log: from one moment to a later one, by asking the database what is true now."""

import logging
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from Data.changes import ChangeLog
from Data.errors import DimensionMismatch
from Data.features import Features
from Data.index.base import valid_rows
from Data.index.segments import Patch, Segment, add_patch, add_segment
from Data.index.snapshot import Snapshot
from Data.records import FeatureBatch, ProductColumns

_log = logging.getLogger(__name__)


class Follower:
    """Applies changes to snapshots.

    The log says only which vectors to look at; their state is read from the tables. So reading a change twice, or late,
    does no harm: a state from after it is as good, since its own change follows.

    Args:
        batch: Changes taken at a time.
    """

    def __init__(self, log: ChangeLog, features: Features, embedder_id: str, batch: int = 2000) -> None:
        self._log = log
        self._features = features
        self._embedder_id = embedder_id
        self._batch = batch

    def advance(self, snapshot: Snapshot) -> tuple[Snapshot, bool]:
        """Return the snapshot after the next batch of changes, and whether there may be more.

        Raises:
            ChangesPruned: the log no longer reaches back to the snapshot.
            DimensionMismatch: the database holds vectors of another length than the base.
            DatabaseError: the database cannot be read.
        """
        changes = self._log.since(snapshot.seq, self._batch)
        if not changes:
            return snapshot, False
        last_op = {change.vector_id: change.op for change in changes}
        embedded = {change.vector_id for change in changes if change.op == "upsert"}
        alive = {vector_id for vector_id, op in last_op.items() if op != "delete"}
        vectors = self._vectors(sorted(alive & embedded), snapshot.dim)
        columns = self._features.columns(sorted(alive - embedded), self._embedder_id)
        known = set(vectors.vector_ids.tolist()) | columns.keys()
        gone = np.array(sorted(last_op.keys() - known), np.int64)
        snapshot = _put(_remove(snapshot, gone), vectors)
        snapshot = self._patch(snapshot, columns)
        return snapshot.after(changes[-1].seq), len(changes) == self._batch

    def from_nothing(self) -> Snapshot:
        """Return a snapshot without a base that holds every vector of the database in memory."""
        snapshot = Snapshot(None, self._log.last_seq())
        for batch in self._features.iterate(self._embedder_id):
            sound = _sound(batch, snapshot.dim)
            if len(sound):
                snapshot = replace(snapshot, segments=add_segment(snapshot.segments, Segment.of(sound)))
        return snapshot

    def _vectors(self, ids: list[int], dim: int) -> FeatureBatch:
        return _sound(self._features.by_vector_ids(ids, self._embedder_id), dim)

    def _patch(self, snapshot: Snapshot, columns: dict[int, ProductColumns]) -> Snapshot:
        """Give vectors new columns; one that is nowhere yet is fetched whole."""
        if not columns:
            return snapshot
        ids = np.array(sorted(columns), np.int64)
        rows = _living_base_rows(snapshot, ids)
        in_base = rows >= 0
        if in_base.any():
            patch = Patch.of(rows[in_base], [columns[vector_id] for vector_id in ids[in_base].tolist()])
            snapshot = replace(snapshot, patches=add_patch(snapshot.patches, patch), _filters={})
        others = ids[~in_base].tolist()
        return _put(snapshot, self._vectors(others, snapshot.dim)) if others else snapshot


def _sound(batch: FeatureBatch, dim: int) -> FeatureBatch:
    """Return the batch without vectors that are not finite unit vectors.

    Features lets none in. One that a tool or a failing disk has put into the table is left out and reported, as if its
    picture had not been embedded, for its scores would be no numbers and one product must not stop all others.

    Args:
        dim: Length of the vectors that are there already; 0 for none.
    Raises:
        DimensionMismatch: the batch's are of another.
    """
    if not len(batch):
        return batch
    if dim and batch.vectors.shape[1] != dim:
        raise DimensionMismatch(dim, int(batch.vectors.shape[1]))
    good = valid_rows(batch.vectors.astype(np.float32))
    if good.all():
        return batch
    for vector_id in batch.vector_ids[~good].tolist():
        _log.error("The vector %d in the database is not a finite unit vector: embed its picture again.", vector_id)
    kept = np.flatnonzero(good)
    return FeatureBatch(batch.vector_ids[kept], batch.vectors[kept], [batch.columns[place] for place in kept.tolist()])


def _remove(snapshot: Snapshot, ids: NDArray[np.int64]) -> Snapshot:
    """Return the snapshot without these vectors, wherever they are."""
    if not len(ids):
        return snapshot
    segments = tuple(part for segment in snapshot.segments if (part := segment.without(ids)) is not None)
    dead = snapshot.dead
    if snapshot.base is not None:
        rows = snapshot.base.ids.rows(ids)
        rows = rows[rows >= 0]
        if len(rows):
            dead = np.zeros(len(snapshot.base.rows), np.bool_) if dead is None else dead.copy()
            dead[rows] = True
    return replace(snapshot, segments=segments, dead=dead, _filters={})


def _put(snapshot: Snapshot, batch: FeatureBatch) -> Snapshot:
    """Return the snapshot with these vectors: a row of the base that is the same gets new columns, others a segment."""
    if not len(batch):
        return snapshot
    ids = np.asarray(batch.vector_ids, np.int64)
    rows = _living_base_rows(snapshot, ids)
    same = rows >= 0
    if same.any():
        assert snapshot.base is not None
        same[same] = (snapshot.base.rows.gather(rows[same]) == batch.vectors[same]).all(axis=1)
    if same.any():
        patch = Patch.of(rows[same], [batch.columns[place] for place in np.flatnonzero(same).tolist()])
        snapshot = replace(snapshot, patches=add_patch(snapshot.patches, patch), _filters={})
    if same.all():
        return snapshot
    new = np.flatnonzero(~same)
    part = FeatureBatch(ids[new], batch.vectors[new], [batch.columns[place] for place in new.tolist()])
    snapshot = _remove(snapshot, ids[new])
    return replace(snapshot, segments=add_segment(snapshot.segments, Segment.of(part)), _filters={})


def _living_base_rows(snapshot: Snapshot, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the row of the base of each vector, -1 where the base has none or it is dead."""
    if snapshot.base is None:
        return np.full(len(ids), -1, np.int64)
    rows = snapshot.base.ids.rows(ids)
    return rows if snapshot.dead is None else np.where((rows >= 0) & ~snapshot.dead[rows], rows, -1)
