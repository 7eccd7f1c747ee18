"""The thread that fetches pictures while the indexer watches: nothing that comes from outside ends it."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from Backend.fetching import keep_fetching, open_worker
from Backend.services import open_images
from Backend.settings import Settings
from Data.catalogue import Catalogue
from Data.crawler.pictures import FetchReport, PictureWorker
from Data.product import Picture, Product
from tests.data.webshop import Page, WebShop, web_shop

PICTURE = b"\xff\xd8\xff" + bytes(500)
WAIT_S = 30


@pytest.fixture
def shop() -> Iterator[WebShop]:
    with web_shop() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, allow_private_addresses=True)


@pytest.fixture
def catalogue(settings: Settings) -> Iterator[Catalogue]:
    with Catalogue.open(settings.database) as catalogue:
        catalogue.migrate()
        yield catalogue


def offer(catalogue: Catalogue, product_id: str, url: str) -> None:
    catalogue.upsert([Product(product_id=product_id, name="Shirt", pictures=(Picture(source_url=url),))])


def fetch_until(condition: Callable[[], bool], worker: PictureWorker) -> None:
    """Keep fetching until something is so."""
    stop = threading.Event()
    fetching = threading.Thread(target=keep_fetching, args=(worker, stop, 0.0))
    fetching.start()
    try:
        until = time.monotonic() + WAIT_S
        while not condition():
            assert fetching.is_alive(), "the thread ended"
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.02)
    finally:
        stop.set()
        fetching.join()


def test_odd_addresses_are_given_up_and_what_comes_after_them_is_fetched(
    shop: WebShop, settings: Settings, catalogue: Catalogue
) -> None:
    shop.pages["/moved"] = Page(b"", status=302, headers={"Location": "http://["})
    offer(catalogue, "moved", f"{shop.url}/moved")
    offer(catalogue, "name", "http://\u65e5\u672c..jp/a.jpg")
    worker = open_worker(settings, catalogue, open_images(settings))

    def statuses() -> list[str]:
        return [status.status for name in ("moved", "name") for status in catalogue.picture_status(name)]

    fetch_until(lambda: statuses() == ["failed", "failed"], worker)
    offer(catalogue, "good", shop.show("/a.jpg", PICTURE))
    fetch_until(lambda: catalogue.get("good").pictures[0].sha256 is not None, worker)
    assert statuses() == ["failed", "failed"]  # and they stay so


class FailingOnce:
    """A worker with a fault of its own when it runs for the first time."""

    def __init__(self, worker: PictureWorker) -> None:
        self._worker = worker
        self.failed = False

    def run(self, stop: threading.Event) -> FetchReport:
        if not self.failed:
            self.failed = True
            raise ZeroDivisionError("nobody foresaw this")
        return self._worker.run(stop=stop)


def test_what_nobody_foresaw_does_not_end_the_thread(shop: WebShop, settings: Settings, catalogue: Catalogue) -> None:
    offer(catalogue, "good", shop.show("/a.jpg", PICTURE))
    worker = FailingOnce(open_worker(settings, catalogue, open_images(settings)))
    fetch_until(lambda: catalogue.get("good").pictures[0].sha256 is not None, worker)  # type: ignore[arg-type]
    assert worker.failed
