"""Servers and addresses that would hold a fetch up for ever, or end it in an error that nobody catches."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from Data.catalogue import Catalogue
from Data.crawler import Fetcher, FetchLimits
from Data.crawler.addresses import judge
from Data.crawler.feeds import download_feed
from Data.crawler.pictures import UNFORESEEN, PictureWorker
from Data.errors import FetchError, FetchFailed, FetchRefused
from Data.images import ImageStore
from Data.importers import guess_layout, open_source
from Data.importers.base import ImportOptions
from Data.product import Picture, Product
from tests.data.webshop import Page, WebShop, web_shop

PICTURE = b"\xff\xd8\xff" + bytes(500)
DRIP_S = 0.05


@pytest.fixture
def shop() -> Iterator[WebShop]:
    with web_shop() as running:
        yield running


@pytest.fixture
def fetcher() -> Fetcher:
    """Return a fetcher that takes any name for one on loopback, and tries once."""
    return Fetcher(FetchLimits(timeout_s=5.0, attempts=1), allow_private=True, resolve=lambda host, port: ["127.0.0.1"])


@contextmanager
def dripping(begin: bytes, drip: bytes, end: bytes = b"") -> Iterator[int]:
    """Serve every connection `begin` at once, `drip` byte by byte, and `end`; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):  # the client went away, or the test is over
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.sendall(begin)
                        for byte in drip:
                            time.sleep(DRIP_S)
                            connection.sendall(bytes([byte]))
                        connection.sendall(end)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"


@pytest.mark.parametrize(
    ("scheme", "begin", "drip"),
    [
        ("http", HEAD, b"X-Slow: " + b"x" * 50 + b"\r\n\r\n"),
        ("http", b"", b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"),
        ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3),
        ("http", HEAD + b"\r\n", b"x" * 50),
        ("https", b"\x16\x03\x03\x02\x00", b"\x02" * 50),
    ],
    ids=["header", "status", "continue", "body", "tls"],
)
def test_the_time_is_for_everything_together(scheme: str, begin: bytes, drip: bytes) -> None:
    """Every byte comes well within the socket's timeout, and all of them would make a picture."""
    fetcher = Fetcher(FetchLimits(timeout_s=0.5, attempts=1), allow_private=True)
    end = b"" if scheme == "https" else HEAD + b"\r\n" + PICTURE
    with dripping(begin, drip, end) as port, pytest.raises(FetchFailed, match=r"longer than 0\.5 s"):
        fetcher.fetch(f"{scheme}://127.0.0.1:{port}/a.jpg")


def test_the_watch_over_time_ends_with_the_fetch(shop: WebShop, fetcher: Fetcher) -> None:
    address = shop.show("/a.jpg", PICTURE)
    for _ in range(5):
        assert fetcher.fetch(address).data == PICTURE
    watching = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for thread in watching:
        thread.join(1.0)  # the limit is five seconds: a timer that runs on is not over by then
    assert not any(thread.is_alive() for thread in watching)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("日本.jp", "xn--wgv71a.jp"),
        ("STRASSE.example", "strasse.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("１２７.0.0.1", "127.0.0.1"),
        ("my_shop.example", "my_shop.example"),
    ],
)
def test_a_host_is_called_by_its_name_in_ascii(shop: WebShop, host: str, name: str) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    assert judge(f"http://{host}/a.jpg", True, resolve).host_header == name
    port = shop.show("/a.jpg", PICTURE).rpartition(":")[2]
    fetcher = Fetcher(FetchLimits(timeout_s=5.0, attempts=1), allow_private=True, resolve=resolve)
    assert fetcher.fetch(f"http://{host}:{port}").data == PICTURE
    assert asked == [name, name]


@pytest.mark.parametrize(
    "address",
    ["http://日本\u0301\u200d.jp/", f"http://{'日' * 80}.jp/", "http://日本..jp/", "http://[/", "http://[::1/a"],
)
def test_a_name_that_none_can_have_is_refused(fetcher: Fetcher, address: str) -> None:
    with pytest.raises(FetchRefused):
        fetcher.fetch(address)


@pytest.mark.parametrize("location", ["http://[", "http://[::1/a.jpg", "//[x", "http://日本..jp/", "http://\x00/"])
def test_a_redirect_to_no_address_is_refused(shop: WebShop, fetcher: Fetcher, location: str) -> None:
    shop.pages["/moved"] = Page(b"", status=302, headers={"Location": location.encode().decode("latin-1")})
    with pytest.raises(FetchError):
        fetcher.fetch(f"{shop.url}/moved")


@pytest.mark.parametrize("length", ["\xb2", "9" * 5000, "-1", ""])
def test_a_length_that_is_no_number_tells_nothing(length: str) -> None:
    """Python takes a superscript two for a digit, and more than 4300 digits for no number."""
    head = HEAD + b"Content-Length: " + length.encode("latin-1") + b"\r\n\r\n"
    with dripping(head + PICTURE, b"") as port:
        fetcher = Fetcher(FetchLimits(timeout_s=5.0, attempts=1), allow_private=True)
        with contextlib.suppress(FetchError):
            assert fetcher.fetch(f"http://127.0.0.1:{port}/a.jpg").data == PICTURE


def test_what_a_header_cannot_hold_is_refused(shop: WebShop, fetcher: Fetcher) -> None:
    address = shop.show("/a.jpg", PICTURE)
    with pytest.raises(FetchRefused, match="cannot be asked"):
        fetcher.fetch(address, etag='"日本"')


def test_a_feed_at_no_address_is_told_in_a_sentence(fetcher: Fetcher, tmp_path: Path) -> None:
    options = ImportOptions(fetcher=fetcher, downloads=tmp_path)
    for layout in ("table", "merchant-feed", "shopify"):
        with pytest.raises(FetchRefused, match="whole address"):
            open_source(layout, "http://[", options)
    with pytest.raises(FetchRefused, match="whole address"):
        guess_layout("http://[")
    with pytest.raises(FetchRefused, match="whole address"):
        download_feed("http://[", tmp_path, fetcher)


def test_a_host_is_forgotten_when_nothing_is_fetched_from_it(shop: WebShop, fetcher: Fetcher) -> None:
    """A feed may name a million hosts."""
    port = shop.show("/a.jpg", PICTURE).split(":")[2]
    for number in range(20):
        assert fetcher.fetch(f"http://shop{number}.example:{port}").data == PICTURE
    with pytest.raises(FetchRefused):
        fetcher.fetch(f"http://shop.example:{shop.url.rpartition(':')[2]}/gone.jpg")
    assert fetcher._hosts == {}


class Failing(Fetcher):
    """A fetcher with a fault of its own, at one address."""

    def fetch(self, url: str, *args: object, **options: object) -> object:  # type: ignore[override]
        if url.endswith("/odd.jpg"):
            raise ZeroDivisionError("nobody foresaw this")
        return super().fetch(url, *args, **options)  # type: ignore[arg-type]


def test_what_nobody_foresaw_gives_up_one_picture_and_no_other(
    shop: WebShop, catalogue: Catalogue, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Failing(FetchLimits(timeout_s=5.0, attempts=1), allow_private=True)
    worker = PictureWorker(catalogue, ImageStore(tmp_path), failing, threads=2)
    for product_id, url in (("odd", f"{shop.url}/odd.jpg"), ("good", shop.show("/a.jpg", PICTURE))):
        pictures = (Picture(source_url=url),)
        catalogue.upsert([Product(product_id=product_id, name="Shirt", pictures=pictures)])
    report = worker.run()
    assert (report.fetched, report.failed_count) == (1, 1)
    assert [status.reason for status in catalogue.picture_status("odd")] == [UNFORESEEN]
    assert "nobody foresaw this" in caplog.text
    assert worker.run().done == 0
