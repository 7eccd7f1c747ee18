"""Fetching the pictures that products name, from a real shop, into a real catalogue of each kind."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from Data.catalogue import Catalogue
from Data.crawler import Fetcher, FetchLimits
from Data.crawler.feeds import download_feed
from Data.crawler.pictures import PictureWorker
from Data.errors import FetchFailed, FetchRefused
from Data.images import ImageStore
from Data.picture_kinds import mime_of, size_of
from Data.product import Picture, Product
from tests.data.webshop import Page, WebShop, web_shop

LIMITS = FetchLimits(max_bytes=200_000, timeout_s=0.5, attempts=2, backoff_s=0.0)


@pytest.fixture
def shop() -> Iterator[WebShop]:
    with web_shop() as running:
        yield running


@pytest.fixture
def worker(catalogue: Catalogue, images: ImageStore) -> PictureWorker:
    return PictureWorker(catalogue, images, Fetcher(LIMITS, allow_private=True), threads=4)


def jpeg(shade: int, size: tuple[int, int] = (40, 60), turn: int = 1) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.new("RGB", size, (shade, shade, shade)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def offer(catalogue: Catalogue, product_id: str, *urls: str) -> None:
    pictures = tuple(Picture(source_url=url) for url in urls)
    catalogue.upsert([Product(product_id=product_id, name="Shirt", pictures=pictures)])


def test_pictures_come_and_what_is_known_of_them_is_kept(
    shop: WebShop, catalogue: Catalogue, images: ImageStore, worker: PictureWorker
) -> None:
    for number in range(20):
        offer(catalogue, f"p{number:02}", shop.show(f"/{number}.jpg", jpeg(number, turn=6)))
    told: list[int] = []
    report = worker.run(lambda now: told.append(now.done))
    assert (report.fetched, report.failed_count, told[-1]) == (20, 0, 20)
    for number in range(20):
        picture = catalogue.get(f"p{number:02}").pictures[0]
        assert images.get(picture.sha256 or "") == jpeg(number, turn=6)
        facts = catalogue.get_pictures([picture.sha256 or ""])[picture.sha256 or ""]
        assert (facts.mime, facts.width, facts.height, facts.bytes) == (
            "image/jpeg", 60, 40, len(jpeg(number, turn=6)),
        )  # fmt: skip
        assert facts.etag
    assert worker.run().done == 0
    assert len(shop.calls) == 20


def test_one_address_of_two_products_is_fetched_once(
    shop: WebShop, catalogue: Catalogue, worker: PictureWorker
) -> None:
    url = shop.show("/a.jpg", jpeg(1))
    offer(catalogue, "a", url)
    offer(catalogue, "b", url)
    assert worker.run().fetched == 2
    assert shop.calls == ["/a.jpg"]
    assert catalogue.get("a").pictures == catalogue.get("b").pictures


def test_what_cannot_be_had_is_given_up_with_its_reason(
    shop: WebShop, catalogue: Catalogue, worker: PictureWorker
) -> None:
    """Every bad picture of the issue, each told in the product's status; the good one beside them comes."""
    shop.pages["/page"] = Page(b"<html>Sorry</html>", "text/html")
    shop.pages["/liar.jpg"] = Page(b"<!DOCTYPE html><html>Sorry</html>")
    shop.pages["/noise.jpg"] = Page(b"\x00\x01 nothing in particular")
    shop.pages["/loop"] = Page(b"x", status=302, headers={"Location": "/loop"})
    shop.pages["/drip.jpg"] = Page(jpeg(2), drip_s=0.05)
    shop.pages["/bomb.jpg"] = Page(b"\x1f\x8b" + bytes(100), headers={"Content-Encoding": "gzip"})
    shop.pages["/cut.jpg"] = Page(jpeg(3), announced=100_000)
    shop.pages["/huge.jpg"] = Page(bytes(300_000))
    shop.pages["/empty.jpg"] = Page(b"")
    said = {
        "/page": "text/html",
        "/liar.jpg": "web page",
        "/noise.jpg": "no picture",
        "/loop": "redirects more than",
        "/drip.jpg": "longer|slow",
        "/bomb.jpg": "compresses",
        "/cut.jpg": "broke off|connection",
        "/huge.jpg": "more than 200000",
        "/empty.jpg": "empty",
        "/gone.jpg": "404",
    }
    urls = [shop.url + path for path in said]
    offer(catalogue, "a", *urls, shop.show("/good.jpg", jpeg(9)))
    report = worker.run()
    assert (report.fetched, report.failed_count) == (1, len(said))
    status = {each.source_url: each for each in catalogue.picture_status("a")}
    for path, words in said.items():
        found = status[shop.url + path]
        assert found.status == "failed"
        assert any(word in (found.reason or "") for word in words.split("|")), (path, found.reason)
    assert catalogue.get("a").cover == Picture(
        sha256=status[shop.url + "/good.jpg"].sha256, source_url=shop.url + "/good.jpg"
    )
    shop.show("/gone.jpg", jpeg(4))
    catalogue.retry_failed()
    assert worker.run().fetched == 1


def test_no_address_inside_is_called_for_a_picture(catalogue: Catalogue, images: ImageStore, shop: WebShop) -> None:
    offer(catalogue, "a", shop.show("/a.jpg", jpeg(1)))
    report = PictureWorker(catalogue, images, Fetcher(LIMITS)).run()
    assert "private network" in report.failed[f"{shop.url}/a.jpg"]
    assert shop.calls == []


def test_a_picture_that_changed_at_its_address_is_taken(
    shop: WebShop, catalogue: Catalogue, images: ImageStore, worker: PictureWorker
) -> None:
    offer(catalogue, "a", shop.show("/a.jpg", jpeg(1)))
    offer(catalogue, "b", shop.show("/b.jpg", jpeg(2)))
    worker.run()
    before = catalogue.picture_status("a")[0].vector_id
    report = worker.check_again()
    assert (report.fetched, report.unchanged) == (0, 2)
    shop.show("/a.jpg", jpeg(3))
    del shop.pages["/b.jpg"]
    report = worker.check_again()
    assert (report.fetched, report.unchanged, report.failed_count) == (1, 0, 1)
    assert images.get(catalogue.get("a").pictures[0].sha256 or "") == jpeg(3)
    assert catalogue.picture_status("a")[0].vector_id > before
    assert images.get(catalogue.get("b").pictures[0].sha256 or "") == jpeg(2)
    assert catalogue.picture_status("b")[0].status == "pending"  # to be looked at, not given up


def test_a_run_can_be_stopped(shop: WebShop, catalogue: Catalogue, worker: PictureWorker) -> None:
    offer(catalogue, "a", shop.show("/a.jpg", jpeg(1)))
    stop = threading.Event()
    stop.set()
    assert worker.run(stop=stop).done == 0
    assert worker.run().fetched == 1


def test_a_feed_is_fetched_again_only_when_it_changed(shop: WebShop, tmp_path: Path) -> None:
    fetcher = Fetcher(LIMITS, allow_private=True)
    address = shop.show("/feed.xml", b"<rss/>", "application/xml")
    path = download_feed(address, tmp_path, fetcher, LIMITS)
    assert (path.suffix, path.read_bytes()) == (".xml", b"<rss/>")
    written = path.stat().st_mtime_ns
    assert download_feed(address, tmp_path, fetcher, LIMITS) == path
    assert path.stat().st_mtime_ns == written
    shop.show("/feed.xml", b"<rss>new</rss>", "application/xml")
    assert download_feed(address, tmp_path, fetcher, LIMITS).read_bytes() == b"<rss>new</rss>"
    shop.pages["/feed.xml"] = Page(b"<rss>half", announced=1000)
    with pytest.raises(FetchFailed):
        download_feed(address, tmp_path, fetcher, LIMITS)
    del shop.pages["/feed.xml"]
    with pytest.raises(FetchRefused, match="404"):
        download_feed(address, tmp_path, fetcher, LIMITS)
    assert path.read_bytes() == b"<rss>new</rss>"
    assert len(list(tmp_path.iterdir())) == 2  # nothing half-fetched is left


def test_kinds_of_pictures() -> None:
    for kind, mime in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("WEBP", "image/webp")):
        buffer = io.BytesIO()
        Image.new("RGB", (3, 5)).save(buffer, kind)
        assert (mime_of(buffer.getvalue()), size_of(buffer.getvalue())) == (mime, (3, 5))
    assert mime_of(b"\x00\x00\x00\x18ftypheic" + bytes(20)) == "image/heic"
    assert mime_of(b"<html>") is None and mime_of(b"") is None
    assert size_of(b"\xff\xd8\xff") == (0, 0)


@pytest.mark.filterwarnings("ignore::UserWarning")  # what Pillow says of a damaged EXIF block
def test_a_damaged_header_says_no_size() -> None:
    """Pillow's AVIF plugin raises RuntimeError for it, and others where nobody expects it."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48), "teal").save(buffer, "AVIF", exif=exif)
    good = buffer.getvalue()
    found = {size_of(good[:place] + bytes([value]) + good[place + 1 :]) for place in range(400) for value in (0, 255)}
    assert {(0, 0), (48, 64)} <= found
