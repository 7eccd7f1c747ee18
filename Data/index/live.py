"""The index that a service holds: a snapshot that readers take without a lock, and a thread that brings newer ones."""

import logging
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from Data.changes import ChangeLog
from Data.errors import ChangesPruned, DataError, ForeignEmbedder, IndexCorrupt
from Data.features import Features
from Data.filters import Filter
from Data.index.base import checked_unit
from Data.index.checksums import check_blocks
from Data.index.following import Follower
from Data.index.generations import ROWS, Generation, current_name, generation_names, open_generation
from Data.index.snapshot import By, FacetField, ProductHit, Snapshot

POLL_S = 0.1
_BESIDE = 25  # changes at a time for what does not serve yet, so that what serves has its turn soon
_SWITCH_S = 0.0005
_EVERYTHING = Filter()
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class IndexFacts:
    """What a service tells about its index.

    Args:
        total_vectors: Vectors that can be found, delta included.
        dimension: Their length; 0 while there is none.
        product_count: Distinct products that can be found.
        generation: Name of the base; None before the first.
        kind: Of the base: exact, compact or faiss.
        delta: Vectors outside the base.
        recall: recall@10 of the base against exact search, measured when it was built.
        built_through_seq: Last change in the base; seq: last change that is visible.
        memory_bytes: What searching the base keeps in memory, by name.
        problem: What keeps the newest generation or the newest changes from being served; None if nothing does.
    """

    total_vectors: int
    dimension: int
    product_count: int
    generation: str | None
    kind: str
    delta: int
    embedder_id: str
    recall: float | None
    built_through_seq: int
    seq: int
    memory_bytes: dict[str, int]
    problem: str | None


class LiveIndex:
    """Searches a catalogue while it changes. Safe to share between threads; each process has its own.

    Opening loads the current generation and follows the change log to its end. With no generation yet, all vectors are
    held in memory. A damaged generation is passed over for the one before it, which the change log still reaches.

    Args:
        directory: Folder of the generations.
        engine: The catalogue's database.
        embedder_id: Of the vectors that queries come from.
    Raises:
        ForeignEmbedder: the current generation comes from another embedder.
        IndexCorrupt: no generation is undamaged.
        DatabaseError: the database cannot be read.
    """

    def __init__(self, directory: Path, engine: Engine, embedder_id: str) -> None:
        self._directory = Path(directory)
        self._embedder_id = embedder_id
        self._follower = Follower(ChangeLog(engine), Features(engine), embedder_id)
        self._follower_beside = Follower(ChangeLog(engine), Features(engine), embedder_id, _BESIDE)
        self._writer = threading.Lock()
        self._stopping = threading.Event()
        self._poller: threading.Thread | None = None
        self._opener = ThreadPoolExecutor(1, thread_name_prefix="index-open")
        self._opening: tuple[str, Future[Generation]] | None = None
        self._candidate: Snapshot | None = None
        self._condemned: set[str] = set()
        self._problem: str | None = None
        self._counted: tuple[Snapshot, int] | None = None
        self._snapshot = Snapshot(None, 0)
        self._take(self._first_snapshot())

    # -- reading: takes the snapshot once and never a lock

    def search(
        self, queries: NDArray[np.float32], k: int, filter: Filter = _EVERYTHING, by: By = "product"
    ) -> list[list[ProductHit]]:
        """Return the k best products of each query, best first, each by its best picture.

        Args:
            queries: Unit length. Shape: (n, dim).
            k: 1 or more. Up to 200, a longer answer begins with the shorter one.
            filter: What may be found; k results come if as many products pass.
            by: What counts as one result: a product, a group of products (those without a group count alone),
                or a picture.
        Raises:
            DimensionMismatch, VectorsInvalid: a query that cannot be compared.
        """
        snapshot = self._snapshot
        if k < 1:
            raise ValueError("k must be at least 1")
        vectors = checked_unit(queries, snapshot.dim or queries.shape[-1])
        return [snapshot.search(vectors[row : row + 1], k, filter, by) for row in range(len(vectors))]

    def facets(self, field: FacetField, filter: Filter = _EVERYTHING) -> list[tuple[str, int]]:
        """Return the values of a field with the number of products that pass, the most frequent first."""
        counts = self._snapshot.facets(field, filter)
        return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))

    def facts(self) -> IndexFacts:
        """Return what there is to say about the index now."""
        snapshot = self._snapshot
        if self._counted is None or self._counted[0] is not snapshot:
            self._counted = (snapshot, snapshot.count_products())
        base = snapshot.base
        memory: dict[str, int] = (
            {} if base is None else base.index.memory_bytes() | {"filter columns": base.columns.memory_bytes()}
        )
        return IndexFacts(
            total_vectors=len(snapshot),
            dimension=snapshot.dim,
            product_count=self._counted[1],
            generation=_name(snapshot),
            kind=base.manifest.kind if base else "exact",
            delta=snapshot.delta,
            embedder_id=self._embedder_id,
            recall=base.manifest.recall if base else 1.0,
            built_through_seq=base.manifest.built_through_seq if base else 0,
            seq=snapshot.seq,
            memory_bytes=memory,
            problem=self._problem,
        )

    # -- following

    def start(self) -> None:
        """Follow changes and new generations in a thread of its own until stop."""
        if self._poller is None:
            # Each row that SQLite gives costs the interpreter's lock, for which busy readers make it wait this long.
            sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
            self._stopping.clear()
            self._poller = threading.Thread(target=self._poll, name="index-follow", daemon=True)
            self._poller.start()

    def stop(self) -> None:
        """End the thread; searching goes on with what is there."""
        self._stopping.set()
        if self._poller is not None:
            self._poller.join()
            self._poller = None

    def refresh(self) -> None:
        """Take in every change and generation that is there now; then a search sees them.

        Raises:
            DatabaseError: the database cannot be read; the index serves on as it is.
        """
        with self._writer:
            self._look_for_generation(wait=True)
            self._catch_up()

    def _poll(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._writer:
                    self._look_for_generation(wait=False)
                    self._catch_up()
            except (DataError, OSError, RuntimeError, ValueError) as error:
                self._report(str(error))
            self._stopping.wait(POLL_S)

    def _report(self, problem: str | None) -> None:
        if problem and problem != self._problem:
            _log.error("%s", problem)
        self._problem = problem

    def _look_for_generation(self, wait: bool) -> None:
        """Begin to open the wanted generation, or take it over once it is open; meanwhile the old one serves."""
        serving = _name(self._snapshot)
        if serving in self._condemned:
            self._take(self._first_snapshot())
        try:
            wanted = current_name(self._directory)
        except IndexCorrupt as error:
            self._report(str(error))
            return
        if self._opening is None:
            if wanted is None or wanted in (serving, _name(self._candidate)) or wanted in self._condemned:
                return
            opened = self._opener.submit(open_generation, self._directory, wanted, self._embedder_id)
            self._opening = (wanted, opened)
        name, future = self._opening
        if not wait and not future.done():
            return
        self._opening = None
        try:
            generation = future.result()
        except (IndexCorrupt, ForeignEmbedder) as error:
            self._condemned.add(name)
            self._report(str(error))
            return
        self._candidate = Snapshot(generation, generation.manifest.built_through_seq)

    def _catch_up(self) -> None:
        """Follow the log to its end with what serves and what is about to, in turns, so that neither falls behind."""
        more = True
        while more:
            try:
                snapshot, more = self._follower.advance(self._snapshot)
            except ChangesPruned:
                self._take(self._first_snapshot())
                return
            if snapshot is not self._snapshot:
                self._snapshot = snapshot
            if self._candidate is not None:
                try:
                    self._candidate, behind = self._follower_beside.advance(self._candidate)
                except ChangesPruned as error:
                    self._condemned.add(_name(self._candidate) or "")
                    self._candidate = None
                    self._report(str(error))
                    continue
                more = more or behind
                if self._candidate.seq >= self._snapshot.seq:
                    self._take(self._candidate)
                    self._candidate = None
        if self._problem and self._serves_current() and not self._condemned & {_name(self._snapshot)}:
            self._report(None)

    def _serves_current(self) -> bool:
        try:
            name = current_name(self._directory)
        except IndexCorrupt:
            return False
        return name in (None, _name(self._snapshot))

    def _take(self, snapshot: Snapshot) -> None:
        """Serve a snapshot of another generation, and check the rest of its file in the background."""
        self._snapshot = snapshot
        if snapshot.base is not None:
            _log.info("serving generation %s", snapshot.base.manifest.generation)
            threading.Thread(target=self._scrub, args=(snapshot.base,), name="index-check", daemon=True).start()

    def _scrub(self, base: Generation) -> None:
        """Check every block of the rows; the next refresh takes a damaged generation out of service."""
        try:
            for block in range(len(base.block_table)):
                if self._stopping.is_set():
                    return
                check_blocks(base.folder / ROWS, base.block_table, (block,))
        except IndexCorrupt as error:
            self._condemned.add(base.manifest.generation)
            self._report(str(error))
        except OSError:  # removed meanwhile: a newer one is there
            return

    # -- opening

    def _first_snapshot(self) -> Snapshot:
        """Return the best snapshot there is, followed to the end of the log."""
        problems: list[DataError] = []
        for name in self._names(problems):
            try:
                generation = open_generation(self._directory, name, self._embedder_id)
                snapshot, more = Snapshot(generation, generation.manifest.built_through_seq), True
                while more:
                    snapshot, more = self._follower.advance(snapshot)
            except ForeignEmbedder as error:
                if not problems:
                    raise
                problems.append(error)
            except (IndexCorrupt, ChangesPruned) as error:
                self._condemned.add(name)
                problems.append(error)
            else:
                self._report(str(problems[0]) if problems else None)
                return snapshot
        if problems:
            raise IndexCorrupt(f"No index generation can be used: {problems[0]}") from problems[0]
        return self._follower.from_nothing()

    def _names(self, problems: list[DataError]) -> Sequence[str]:
        """Return the generations to try: the current one, then the newest first, but for those known to be damaged."""
        names = generation_names(self._directory)[::-1]
        try:
            current = current_name(self._directory)
        except IndexCorrupt as error:
            problems.append(error)
            current = None
        else:
            names = [name for name in names if current is not None and name < current]
        tried = ([current] if current else []) + [name for name in names if name != current]
        return [name for name in tried if name not in self._condemned]


def _name(snapshot: Snapshot | None) -> str | None:
    return snapshot.base.manifest.generation if snapshot is not None and snapshot.base is not None else None
