"""What `similook index`, the demo and the tests need to make products findable, opened from the settings."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import structlog

from Backend.fetching import keep_fetching, open_worker
from Backend.indexer import BATCH_SIZE, EVERYTHING, Indexer, IndexReport, Progress, Selection
from Backend.services import decode_limits, open_catalogue, open_embedder, open_images
from Backend.settings import Settings, available_cores
from Backend.watcher import LEASE_TTL_S, RETRY_S, Renewer, Watcher, lease_holder
from Data.catalogue import Catalogue
from Data.changes import ChangeLog
from Data.errors import IndexCorrupt, LeaseHeld
from Data.features import Features
from Data.index.builder import build_generation
from Data.index.generations import current_name
from Data.index.manifest import Manifest, read_manifest
from Data.leases import Lease
from Model.embedder import Embedder

LEASE = "indexer"

log = structlog.stdlib.get_logger(__name__)

BuildProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Indexing:
    """A catalogue with the networks that look at its pictures.

    Args:
        evaluate: refuse a new base whose recall or completeness falls.
    """

    settings: Settings
    catalogue: Catalogue
    features: Features
    embedder: Embedder
    indexer: Indexer
    evaluate: bool

    @classmethod
    @contextmanager
    def open(
        cls, settings: Settings, batch_size: int = BATCH_SIZE, workers: int | None = None, evaluate: bool = False
    ) -> Iterator["Indexing"]:
        """Open everything; the database is let go of at the end.

        Args:
            settings: of this deployment.
            batch_size: pictures per run of the networks.
            workers: batches side by side; None for one per core.
            evaluate: see the class.

        Raises:
            ModelError, DataError: one sentence each that says what to do.
        """
        with open_catalogue(settings) as catalogue:
            catalogue.check()
            side_by_side = workers or available_cores()
            threads = settings.threads or max(1, available_cores() // side_by_side)
            embedder = open_embedder(settings.model_copy(update={"threads": threads}))
            features = Features(catalogue.engine)
            limits = decode_limits(settings)
            indexer = Indexer(catalogue, open_images(settings), features, embedder, limits, batch_size, side_by_side)
            yield cls(settings, catalogue, features, embedder, indexer, evaluate)

    def run(
        self,
        selection: Selection = EVERYTHING,
        retry_failed: bool = False,
        progress: Progress = lambda report: None,
        patience_s: float = LEASE_TTL_S + RETRY_S,
    ) -> IndexReport:
        """Look at what has not been looked at, once, as the only process that does.

        Args:
            selection: which pictures.
            retry_failed: take up those that were given up.
            progress: called after each batch.
            patience_s: longest wait for another process's lease; as long as that of a killed one may last.
        Raises:
            LeaseHeld: another process has been at it for longer than a dead one could seem to be.
        """
        with self._only(patience_s):
            if retry_failed:
                self.catalogue.retry_failed()
            before = self.catalogue.stats(self.embedder.embedder_id).features
            report = self.indexer.run(selection, progress)
            self.indexer.predict_missing()
        report.skipped = before
        return report

    def watch(self, stop: threading.Event, progress: Progress = lambda report: None) -> None:
        """Look at pictures as they come until `stop` is set."""
        worker = open_worker(self.settings, self.catalogue, open_images(self.settings))
        fetch = partial(keep_fetching, worker)
        Watcher(self.indexer, self._lease(), self.is_due, self.build, fetch).run(stop, progress)

    def base(self) -> Manifest | None:
        """Return the manifest of the base that serves; None when none of this embedder can be read."""
        try:
            name = current_name(self.settings.index_dir)
            manifest = read_manifest(self.settings.index_dir / name) if name else None
        except IndexCorrupt as error:
            log.warning("the index's base is damaged and will be built again", error=str(error))
            return None
        return manifest if manifest is not None and manifest.embedder_id == self.embedder.embedder_id else None

    def is_due(self) -> bool:
        """Return whether a base is missing, or more than `max_delta` changes came after it."""
        manifest = self.base()
        if manifest is None:
            return self.features.count(self.embedder.embedder_id) > 0
        return ChangeLog(self.catalogue.engine).last_seq() - manifest.built_through_seq > self.settings.max_delta

    def build(self, progress: BuildProgress = lambda stage, done, total: None) -> Manifest:
        """Build a new base from the saved features and make it the one that serves.

        Raises:
            GenerationRefused, IndexFull, LeaseHeld: the old one goes on serving.
        """
        settings = self.settings
        return build_generation(
            settings.index_dir,
            self.features,
            self.embedder.embedder_id,
            kind=settings.index_kind,
            factory=settings.index_factory,
            recall_target=settings.recall_target,
            progress=progress,
            evaluate=self.evaluate,
        )

    @contextmanager
    def _only(self, patience_s: float) -> Iterator[None]:
        """Hold the indexer's lease."""
        lease = self._lease()
        until = time.monotonic() + patience_s
        while True:
            try:
                lease.acquire()
                break
            except LeaseHeld:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
        renewer = Renewer(lease)
        try:
            yield
        finally:
            renewer.stop()
            lease.release()

    def _lease(self) -> Lease:
        return Lease(self.catalogue.engine, LEASE, lease_holder(), LEASE_TTL_S)
