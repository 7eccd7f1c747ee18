"""A new generation from the database: streamed to disk, trained, measured, checked, and made current at once.

Nothing that exists is touched until the new folder is complete, so a build may be killed at any instant; the next one
removes what it left. Memory holds the codes, the filter columns and one batch, never the vectors.
"""

import itertools
import os
import shutil
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from Data.changes import ChangeLog
from Data.database import reading
from Data.errors import DimensionMismatch, IndexCorrupt, IndexFull, IndexMissing, VectorsInvalid
from Data.features import Features
from Data.index.base import BuildOptions, first_invalid
from Data.index.building import BuildLease, disk_errors
from Data.index.checksums import block_table, file_facts
from Data.index.columns import Columns, ColumnsBuilder
from Data.index.gate import check_not_worse
from Data.index.generations import (
    BUILDING,
    COLUMNS,
    ROWS,
    VectorIds,
    current_name,
    next_name,
    publish,
    remove_generation,
    remove_leftovers,
    set_current,
    taken_names,
)
from Data.index.kinds import kind_named
from Data.index.manifest import FORMAT, Manifest, read_manifest
from Data.index.pack import write_pack
from Data.index.rows import Rows, RowsWriter
from Data.records import FeatureBatch
from Data.schema import product_pictures

EXACT_UP_TO = 100_000
"""Vectors up to which scanning all of them is fast enough."""

KindChoice = Literal["auto", "exact", "compact", "faiss"]
Progress = Callable[[str, int, int], None]


def build_generation(
    directory: Path,
    features: Features,
    embedder_id: str,
    kind: KindChoice = "auto",
    factory: str | None = None,
    recall_target: float = 0.99,
    progress: Progress | None = None,
    evaluate: bool = False,
    switch: bool = True,
    threads: int | None = None,
    batch_size: int = 2000,
    lease_ttl_s: float = 30.0,
) -> Manifest:
    """Build a generation from all features of an embedder and make it the current one.

    What changes meanwhile stands in the change log, which workers follow from where the generation ends.

    Args:
        directory: Folder of the generations; made if missing.
        kind: auto is exact up to EXACT_UP_TO vectors, then compact.
        factory: Only for faiss: the text for faiss.index_factory.
        recall_target: recall@10 against exact search to tune for, in (0, 1].
        progress: Called with (stage, done, total): stages rows, train, add, tune, check.
        evaluate: Refuse a generation that would find less than the current one.
        switch: Make it current; without, it waits for `set_current`.
        threads: For training; None for one per core.
        batch_size: Vectors read from the database at a time.
        lease_ttl_s: Seconds after which another build may begin if this one has died.
    Raises:
        IndexMissing: no vectors of this embedder.
        VectorsInvalid, DimensionMismatch: the database holds vectors that cannot be compared.
        IndexFull: no room on the disk. GenerationRefused: evaluate, and it is worse. LeaseHeld: another build runs.
        In all of these the current generation stays.
    """
    directory = Path(directory)
    with disk_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
    options = BuildOptions(factory, recall_target, threads or os.cpu_count() or 1, progress=progress or _silent)
    with BuildLease(features.engine, lease_ttl_s) as lease, disk_errors(directory):
        remove_leftovers(directory)
        folder = directory / f"{BUILDING}{uuid.uuid4().hex[:12]}"
        folder.mkdir()
        try:
            old = _current_manifest(directory)
            build = _Build(folder, features, embedder_id, kind, options, lease)
            manifest = build.run(next_name(directory), old, batch_size)
            if evaluate:
                covered = features.count(old.embedder_id) if old else 0
                check_not_worse(manifest, old, covered, recall_target)
            lease.check()
            publish(folder, manifest.generation)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if switch:
            set_current(directory, manifest.generation)
            _prune(directory, manifest, old, ChangeLog(features.engine))
    return manifest


def _silent(stage: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class _Build:
    """One build in its own folder."""

    folder: Path
    features: Features
    embedder_id: str
    kind: KindChoice
    options: BuildOptions
    lease: BuildLease

    def run(self, name: str, old: Manifest | None, batch_size: int) -> Manifest:
        """Fill the folder and return its manifest."""
        begun = time.monotonic()
        seq = ChangeLog(self.features.engine).last_seq()
        ids, columns, dim = self._stream(batch_size)
        rows = Rows.open(self.folder / ROWS, dim, len(ids))
        kind = self.kind if self.kind != "auto" else ("exact" if len(ids) <= EXACT_UP_TO else "compact")
        parameters = kind_named(kind).build(rows, self.folder, self.options)
        self.lease.check()
        self.options.progress("check", 0, 1)
        table = block_table(self.folder / ROWS)
        own_ids = VectorIds.of(ids)
        write_pack(self.folder / COLUMNS, {"rows.crc32": table} | own_ids.save() | columns.save())
        files = sorted(path.name for path in self.folder.iterdir())
        manifest = Manifest(
            format=FORMAT,
            generation=name,
            kind=kind,
            embedder_id=self.embedder_id,
            dim=dim,
            count=len(ids),
            products=len(columns.words["product_id"].table),
            built_through_seq=seq,
            completeness=self._completeness(len(ids)),
            previous=old.generation if old else None,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            build_s=round(time.monotonic() - begun, 1),
            parameters=dict(parameters),
            files={file: file_facts(self.folder / file, "rows.crc32" if file == ROWS else None) for file in files},
        )
        manifest.write(self.folder)
        self.options.progress("check", 1, 1)
        return manifest

    def _stream(self, batch_size: int) -> tuple[NDArray[np.int64], Columns, int]:
        """Write the rows to disk batch by batch; return the vector_ids, the columns and the dimension."""
        total = self.features.count(self.embedder_id)
        ids: list[NDArray[np.int64]] = []
        batches = self.features.iterate(self.embedder_id, batch_size)
        first = next(batches, None)
        if first is None:
            raise IndexMissing(
                f"There are no vectors of the embedder {self.embedder_id} yet: run `similook index` to make them."
            )
        dim = int(first.vectors.shape[1])
        self._check_room(total, dim)
        builder = ColumnsBuilder()
        with RowsWriter(self.folder / ROWS, dim) as writer:
            for batch in itertools.chain((first,), batches):
                self._check_batch(batch, dim)
                writer.add(batch.vectors)
                ids.append(np.asarray(batch.vector_ids, np.int64))
                builder.add(batch.columns)
                self.lease.check()
                self.options.progress("rows", writer.count, max(writer.count, total))
        return np.concatenate(ids), Columns(*builder.parts()), dim

    def _check_batch(self, batch: FeatureBatch, dim: int) -> None:
        if batch.vectors.shape[1] != dim:
            raise DimensionMismatch(dim, int(batch.vectors.shape[1]))
        wrong = first_invalid(batch.vectors.astype(np.float32))
        if wrong is not None:
            raise VectorsInvalid(
                f"The vector {int(batch.vector_ids[wrong])} in the database is not a finite unit vector: "
                "embed its picture again with `similook index --rebuild`."
            )

    def _check_room(self, count: int, dim: int) -> None:
        """Refuse early what cannot fit: the rows, and about 150 bytes a vector for codes and columns."""
        needed = count * (2 * dim + 150)
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise IndexFull(
                f"The index needs {needed >> 20} MiB and {free >> 20} MiB are free in {self.folder.parent}: make room."
            )

    def _completeness(self, count: int) -> float:
        query = select(func.count()).select_from(product_pictures).where(product_pictures.c.status != "failed")
        with reading(self.features.engine) as connection:
            wanted = connection.execute(query).scalar_one()
        return min(1.0, count / wanted) if wanted else 1.0


def _current_manifest(directory: Path) -> Manifest | None:
    """Return the manifest of the current generation; a damaged one counts as none, for this build replaces it."""
    try:
        name = current_name(directory)
        return read_manifest(directory / name) if name else None
    except IndexCorrupt:
        return None


def _prune(directory: Path, new: Manifest, old: Manifest | None, log: ChangeLog) -> None:
    """Keep the new generation and the one before it, and the changes since the older of the two.

    What is older goes, whether or not it is complete: a folder that lost its manifest is of no use to anybody.
    """
    kept = {new.generation} | ({old.generation} if old else set())
    for name in taken_names(directory):
        if name not in kept and name < new.generation:
            remove_generation(directory, name)
    if old is not None:
        log.prune(min(old.built_through_seq, new.built_through_seq) + 1)
