"""`similook index --watch`: the one process that looks at new pictures as they come.

A lease row makes it the only one; a second one waits and takes over when the first has died. New pictures are looked
for several times a second, so a product is found within a second of its arrival. When the changes have piled up, a new
base is built beside the old one in a thread of its own, and pictures go on being looked at meanwhile.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from Backend.indexer import Indexer, IndexReport, Selection
from Data.errors import DatabaseUnavailable, ImageStoreError, LeaseHeld, VectorIndexError
from Data.leases import Lease

POLL_S = 0.25
RETRY_S = 2.0
LEASE_TTL_S = 30.0
RENEW_S = LEASE_TTL_S / 3
DUE_CHECK_S = 5.0

log = structlog.stdlib.get_logger(__name__)

NEW = Selection(newly=True)


class Watcher:
    """Keeps features and index in step with the catalogue until told to stop.

    Args:
        indexer: looks at pictures.
        lease: makes this process the only one.
        is_due: whether a new base is to be built.
        build: builds it.
        fetch: fetches the pictures that products name by their address, until the event is set.
    """

    def __init__(
        self,
        indexer: Indexer,
        lease: Lease,
        is_due: Callable[[], bool],
        build: Callable[[], object],
        fetch: Callable[[threading.Event], None],
    ) -> None:
        self._indexer = indexer
        self._lease = lease
        self._is_due = is_due
        self._build = build
        self._fetch = fetch

    def run(self, stop: threading.Event, progress: Callable[[IndexReport], None] = lambda report: None) -> None:
        """Watch until `stop` is set. What passes by itself (the database restarts) is waited for and tried again."""
        while not stop.is_set():
            try:
                self._lease.acquire()
            except LeaseHeld as error:
                log.info("waiting for the lease", reason=str(error))
                stop.wait(RETRY_S)
                continue
            except DatabaseUnavailable as error:
                log.warning("the database cannot be reached; trying again", error=str(error))
                stop.wait(RETRY_S)
                continue
            try:
                self._hold(stop, progress)
            except LeaseHeld as error:
                log.warning("lost the lease", reason=str(error))
            except (DatabaseUnavailable, ImageStoreError) as error:
                log.warning("interrupted; trying again", error=str(error))
                stop.wait(RETRY_S)

    def _hold(self, stop: threading.Event, progress: Callable[[IndexReport], None]) -> None:
        """Work while the lease is ours."""
        renewer = Renewer(self._lease)
        ended = threading.Event()
        # A slow shop must not hold up what has been fetched already.
        fetching = threading.Thread(target=self._fetch, args=(ended,), name="fetching", daemon=True)
        fetching.start()
        with ThreadPoolExecutor(1, thread_name_prefix="build") as builder:
            try:
                self._work(stop, renewer, builder, progress)
            finally:
                ended.set()
                renewer.stop()
        fetching.join()
        self._lease.release()

    def _work(
        self,
        stop: threading.Event,
        renewer: "Renewer",
        builder: ThreadPoolExecutor,
        progress: Callable[[IndexReport], None],
    ) -> None:
        building: Future[object] | None = None
        self._report(self._indexer.run(), progress)
        next_check = 0.0
        while not stop.is_set():
            renewer.check()
            self._report(self._indexer.run(NEW), progress)
            if building is not None and building.done():
                _log_build(building)
                building = None
            if building is None and time.monotonic() >= next_check:
                next_check = time.monotonic() + DUE_CHECK_S
                if self._is_due():
                    building = builder.submit(self._build)
            stop.wait(POLL_S)

    @staticmethod
    def _report(report: IndexReport, progress: Callable[[IndexReport], None]) -> None:
        if report.processed:
            progress(report)
            log.info(
                "embedded", succeeded=report.succeeded, failed=len(report.failed), elapsed_s=round(report.elapsed_s, 3)
            )


class Renewer:
    """Renews a lease from a thread of its own, because a large first run takes longer than the lease lasts."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._stop = threading.Event()
        self._lost: LeaseHeld | None = None
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise LeaseHeld if the lease was lost."""
        if self._lost is not None:
            raise self._lost

    def stop(self) -> None:
        """Stop renewing."""
        self._stop.set()
        self._thread.join()

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_S):
            try:
                self._lease.renew()
            except LeaseHeld as error:
                self._lost = error
                return
            except DatabaseUnavailable as error:
                log.warning("the lease was not renewed", error=str(error))


def _log_build(building: Future[object]) -> None:
    """Say how a build ended; a refused one leaves the old base serving."""
    error = building.exception()
    if error is None:
        log.info("new index base")
    elif isinstance(error, VectorIndexError | LeaseHeld | DatabaseUnavailable):
        log.error("no new index base; the old one goes on serving", error=str(error))
    else:
        raise error


def lease_holder() -> str:
    """Return a name for this process that no other has: its machine and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"
