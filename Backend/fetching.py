"""Fetching from the addresses that shops and callers name, by the settings: once for a command or a request, or for as
long as the indexer watches."""

import threading
from collections.abc import Sequence

import structlog

from Backend.settings import Settings
from Data.catalogue import Catalogue
from Data.crawler.fetcher import Fetcher, FetchLimits
from Data.crawler.pictures import PictureWorker
from Data.errors import DatabaseUnavailable, FetchFailed, FileTooLarge, ImageStoreError
from Data.images import ImageStore

FETCHES = 8
"""Requests of a worker whose addresses are fetched at the same time: no more threads than these wait for others."""

FETCHES_WAITING = 16
"""Those that wait for their turn before one more is answered 429."""

POLL_S = 0.5
RETRY_S = 2.0
UNFORESEEN_RETRY_S = 60.0
"""Long, because what nobody foresaw mostly lies in the pictures that come next, and comes again with them."""

log = structlog.stdlib.get_logger(__name__)


def open_fetcher(settings: Settings) -> Fetcher:
    """Return what may call other servers; a picture may be as large as an upload."""
    return Fetcher(FetchLimits(max_bytes=settings.max_upload_bytes), settings.allow_private_addresses)


def open_impatient_fetcher(settings: Settings) -> Fetcher:
    """Return what fetches while a caller waits for the answer: one attempt, and soon given up."""
    limits = FetchLimits(max_bytes=settings.max_upload_bytes, timeout_s=8, connect_timeout_s=3, attempts=1)
    return Fetcher(limits, settings.allow_private_addresses)


def fetch_together(fetcher: Fetcher, urls: Sequence[str], max_bytes: int) -> list[bytes]:
    """Return the pictures that one request names, in order.

    Args:
        max_bytes: of all of them together.
    Raises:
        FileTooLarge: they have more.
        FetchRefused, FetchFailed: see Fetcher.fetch.
    """
    came: list[bytes] = []
    left = max_bytes
    for url in urls:
        try:
            data = fetcher.fetch(url, max_bytes=left).data
        except FileTooLarge as error:
            if not came:
                raise
            said = f"The pictures at these addresses have together more than {max_bytes} bytes: name fewer of them."
            raise FileTooLarge(said) from error
        if data is None:
            raise FetchFailed("The server answered 304 to a request without a condition.")
        came.append(data)
        left -= len(data)
    return came


def open_worker(settings: Settings, catalogue: Catalogue, images: ImageStore) -> PictureWorker:
    """Return what fetches the catalogue's pictures."""
    return PictureWorker(catalogue, images, open_fetcher(settings))


def keep_fetching(worker: PictureWorker, stop: threading.Event, unforeseen_retry_s: float = UNFORESEEN_RETRY_S) -> None:
    """Fetch pictures as products come that name them, until `stop` is set.

    Args:
        unforeseen_retry_s: wait after an error that nobody foresaw.
    """
    while not stop.wait(POLL_S):
        try:
            report = worker.run(stop=stop)
        except (DatabaseUnavailable, ImageStoreError) as error:
            log.warning("fetching was interrupted; trying again", error=str(error))
            stop.wait(RETRY_S)
            continue
        except Exception:
            log.exception("fetching ended unexpectedly; going on in a while")
            stop.wait(unforeseen_retry_s)
            continue
        if report.done:
            log.info("fetched", fetched=report.fetched, failed=report.failed_count)
