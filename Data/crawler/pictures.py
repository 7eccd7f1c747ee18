"""Fetching the pictures that products name by their address: several at once, each result kept as soon as it is there.

What cannot be had is given up with its reason, which the product's status tells; `Catalogue.retry_failed` takes it up
again.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from Data.catalogue import Catalogue
from Data.catalogue_feeds import FetchedPicture, fetched_pictures
from Data.crawler.fetcher import Fetched, Fetcher
from Data.database import reading
from Data.errors import FetchError, FetchRefused
from Data.images import ImageStore
from Data.picture_kinds import looks_like_page, mime_of, size_of
from Data.records import PictureFacts
from Data.text import clean_text

THREADS = 8
AHEAD = 8
"""Fetches waiting for a thread, per thread: enough that none stands idle, few enough that memory stays flat."""

BATCH = 200
UNFORESEEN = "The picture could not be fetched for a reason that the log has."

_log = logging.getLogger(__name__)


@dataclass
class FetchReport:
    """What a run did, in pictures of products.

    Args:
        fetched: stored.
        unchanged: looked at again, and still the same.
        failed: address to the reason why it was given up.
    """

    fetched: int = 0
    unchanged: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    failed_count: int = 0

    @property
    def done(self) -> int:
        """Pictures that were dealt with."""
        return self.fetched + self.unchanged + self.failed_count


MAX_REASONS = 1_000
"""Addresses kept with their reason; the rest are counted."""

Progress = Callable[[FetchReport], None]


@dataclass(frozen=True)
class _Task:
    """One address, and the rows that show what is there."""

    url: str
    vector_ids: tuple[int, ...]
    etag: str | None = None
    last_modified: str | None = None


class PictureWorker:
    """Fetches pictures into the store.

    Args:
        catalogue: says which, and is told what came.
        images: the picture store.
        fetcher: knows what may be fetched.
        threads: fetches at the same time.
    """

    def __init__(self, catalogue: Catalogue, images: ImageStore, fetcher: Fetcher, threads: int = THREADS) -> None:
        self._catalogue = catalogue
        self._images = images
        self._fetcher = fetcher
        self._threads = threads

    def run(self, progress: Progress = lambda report: None, stop: threading.Event | None = None) -> FetchReport:
        """Fetch every picture that is known by its address alone and has not failed.

        Args:
            progress: called whenever some are done.
            stop: set it, and the run ends after the fetches that are under way.
        Raises:
            DatabaseError, ImageStoreError: nothing is given up for that; run again later.
        """
        return self._work(self._unfetched(), progress, stop, give_up=True)

    def check_again(self, progress: Progress = lambda report: None, stop: threading.Event | None = None) -> FetchReport:
        """Ask for every picture that came from an address whether it has changed there, and take what has.

        One that cannot be had any more stays as it is.

        Raises:
            DatabaseError, ImageStoreError.
        """
        return self._work(self._fetched(), progress, stop, give_up=False)

    def _unfetched(self) -> Iterator[_Task]:
        for batch in self._catalogue.unfetched_pictures(BATCH):
            rows: dict[str, list[int]] = defaultdict(list)
            for picture in batch:
                rows[picture.source_url].append(picture.vector_id)
            yield from (_Task(url, tuple(ids)) for url, ids in rows.items())

    def _fetched(self) -> Iterator[_Task]:
        after = -1
        while True:
            with reading(self._catalogue.engine) as connection:
                batch: Sequence[FetchedPicture] = fetched_pictures(connection, after, BATCH)
            if not batch:
                return
            for row in batch:
                yield _Task(row.source_url, (row.vector_id,), row.etag, row.last_modified)
            after = batch[-1].vector_id

    def _work(
        self, tasks: Iterable[_Task], progress: Progress, stop: threading.Event | None, give_up: bool
    ) -> FetchReport:
        report = FetchReport()
        waiting: dict[Future[Fetched], _Task] = {}

        def settle() -> None:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            self._keep({waiting.pop(future): future for future in done}, report, give_up)
            progress(report)

        with ThreadPoolExecutor(self._threads, thread_name_prefix="fetch") as pool:
            try:
                for task in tasks:
                    if stop is not None and stop.is_set():
                        break
                    waiting[pool.submit(self._fetch, task)] = task
                    while len(waiting) >= AHEAD * self._threads:
                        settle()
                while waiting and not (stop is not None and stop.is_set()):
                    settle()
            finally:
                pool.shutdown(cancel_futures=True)
        return report

    def _fetch(self, task: _Task) -> Fetched:
        """Fetch one address, and look at its first bytes: servers call error pages image/jpeg."""
        try:
            came = self._fetcher.fetch(task.url, task.etag, task.last_modified)
        except FetchError:
            raise
        except Exception as error:
            # Given up like any other: it would hold up those beside it, and the next run would come to it again.
            _log.exception("an address could not be fetched for a reason that nobody foresaw: %r", task.url[:500])
            raise FetchRefused(UNFORESEEN) from error
        if came.data is not None and mime_of(came.data) is None:
            what = "a web page" if looks_like_page(came.data) else "something that is no picture"
            raise FetchRefused(f"The address answers with {what} and calls it a picture.")
        return came

    def _keep(self, done: Mapping[_Task, Future[Fetched]], report: FetchReport, give_up: bool) -> None:
        """Store what came, say which file each row shows, and give up what did not come."""
        came: list[tuple[_Task, bytes, Fetched]] = []
        reasons: dict[int, str] = {}
        for task, future in done.items():
            try:
                fetched = future.result()
            except FetchError as error:
                reason = clean_text(str(error))  # a server's own words may be in it, and no database takes all of those
                if len(report.failed) < MAX_REASONS:
                    report.failed[task.url] = reason
                report.failed_count += len(task.vector_ids)
                reasons.update(dict.fromkeys(task.vector_ids, reason))
                continue
            if fetched.data is None:
                report.unchanged += len(task.vector_ids)
            else:
                came.append((task, fetched.data, fetched))
        if came:
            keys = self._images.put_many([data for _, data, _ in came])
            self._catalogue.put_pictures(self._facts(keys, came))
            rows = {row: key for (task, _, _), key in zip(came, keys, strict=True) for row in task.vector_ids}
            changed = self._catalogue.attach_pictures(rows)
            report.fetched += changed
            report.unchanged += len(rows) - changed
        if give_up and reasons:
            self._catalogue.mark_unfetchable(reasons)

    def _facts(self, keys: Sequence[str], came: Sequence[tuple[_Task, bytes, Fetched]]) -> list[PictureFacts]:
        known = self._catalogue.get_pictures(keys)
        found = []
        for key, (_, data, fetched) in zip(keys, came, strict=True):
            facts = known.get(key)
            if facts is None:
                facts = PictureFacts(key, mime_of(data) or "", *size_of(data), len(data))
            found.append(replace(facts, etag=fetched.etag, last_modified=fetched.last_modified))
        return found
