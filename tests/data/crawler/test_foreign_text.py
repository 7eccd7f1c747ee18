"""What foreign servers say about themselves is kept in both databases, or not at all."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from Data.catalogue import Catalogue
from Data.crawler import Fetcher, FetchLimits
from Data.crawler.pictures import PictureWorker
from Data.images import ImageStore
from Data.product import Picture, Product
from tests.data.webshop import Page, WebShop, web_shop


@pytest.fixture
def shop() -> Iterator[WebShop]:
    with web_shop() as running:
        yield running


@pytest.fixture
def worker(catalogue: Catalogue, tmp_path: Path) -> PictureWorker:
    fetcher = Fetcher(FetchLimits(timeout_s=5.0, attempts=1), allow_private=True)
    return PictureWorker(catalogue, ImageStore(tmp_path / "pictures"), fetcher)


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG")
    return buffer.getvalue()


def offer(catalogue: Catalogue, url: str) -> None:
    catalogue.upsert([Product(product_id="a", name="Shirt", pictures=(Picture(source_url=url),))])


@pytest.mark.parametrize("sign", ["\0", "\x1b", "é"])
def test_a_validator_that_cannot_be_kept_is_left_out(
    shop: WebShop, catalogue: Catalogue, worker: PictureWorker, sign: str
) -> None:
    said = {"ETag": f'"a{sign}b"', "Last-Modified": f"Mon{sign}"}
    shop.pages["/a"] = Page(picture(), headers=said)
    offer(catalogue, f"{shop.url}/a")
    assert worker.run().fetched == 1
    (facts,) = catalogue.get_pictures([catalogue.get("a").pictures[0].sha256 or ""]).values()
    assert (facts.etag, facts.last_modified) == (None, None)
    assert worker.check_again().unchanged == 1


def test_a_reason_with_a_servers_words_is_cleaned(shop: WebShop, catalogue: Catalogue, worker: PictureWorker) -> None:
    shop.pages["/a"] = Page(picture(), kind="text/a\0b" + 500 * "c")
    offer(catalogue, f"{shop.url}/a")
    assert worker.run().failed_count == 1
    (status,) = catalogue.picture_status("a")
    assert status.reason == f"The address answers with text/ab{'c' * 93}, not with a picture."
