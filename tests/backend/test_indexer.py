"""The indexer: resumes, gives reasons, predicts what is missing, and finds new pictures while it watches."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from Backend.indexer import Selection
from Backend.indexing import Indexing
from Backend.services import open_images
from Backend.settings import Settings
from Data.catalogue import Catalogue
from Data.errors import LeaseHeld
from Data.index.live import LiveIndex
from Data.leases import Lease
from Data.product import Picture, Product


def garment(number: int) -> bytes:
    """Return a small picture of a coloured thing on white, another one for each number."""
    picture = Image.new("RGB", (120, 160), "white")
    colour = (number * 37 % 200, number * 91 % 200, number * 53 % 200)
    ImageDraw.Draw(picture).ellipse((20, 20 + number % 40, 100, 140), fill=colour)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


class Shop:
    """An empty catalogue to put products into."""

    def __init__(self, work: Indexing) -> None:
        self.work = work
        self.images = open_images(work.settings)

    def add(self, product_id: str, *pictures: bytes, **fields: object) -> Product:
        keys = [Picture(sha256=self.images.put(data)) for data in pictures]
        product = Product.model_validate({"product_id": product_id, "name": product_id, "pictures": keys, **fields})
        self.work.catalogue.upsert([product])
        return product

    def index(self) -> LiveIndex:
        return LiveIndex(self.work.settings.index_dir, self.work.catalogue.engine, self.work.embedder.embedder_id)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    settings = Settings(data_dir=tmp_path, threads=1)
    with Catalogue.open(settings.database) as catalogue:
        catalogue.migrate()
    with Indexing.open(settings, batch_size=4) as work:
        yield Shop(work)


def test_a_second_run_has_nothing_to_do(shop: Shop) -> None:
    for number in range(6):
        shop.add(f"p{number}", garment(number))
    first = shop.work.run()
    assert (first.processed, first.succeeded, first.skipped, first.failed) == (6, 6, 0, [])
    assert first.elapsed_s > 0
    assert first.ms_per_product > 0
    second = shop.work.run()
    assert (second.processed, second.skipped) == (0, 6)


def test_a_picture_that_two_products_show_is_looked_at_once(shop: Shop) -> None:
    shop.add("one", garment(1))
    shop.add("two", garment(1))
    assert shop.work.run().succeeded == 1
    assert shop.index().facts().product_count == 2


def test_unusable_pictures_are_given_up_with_their_reason(shop: Shop) -> None:
    shop.add("good", garment(1))
    shop.add("text", b"this is no picture")
    gone = shop.add("gone", garment(2))
    assert gone.cover is not None
    assert gone.cover.sha256 is not None
    shop.images.delete(gone.cover.sha256)
    report = shop.work.run()
    assert report.succeeded == 1
    assert {failure.product_ids: "picture" in failure.reason for failure in report.failed} == {
        ("text",): True,
        ("gone",): True,
    }
    assert [status.status for status in shop.work.catalogue.picture_status("text")] == ["failed"]
    assert shop.work.run().processed == 0
    shop.images.put(garment(2))
    again = shop.work.run(retry_failed=True)
    assert (again.succeeded, len(again.failed)) == (1, 1)


def test_a_damaged_avif_is_given_up_and_the_others_go_on(shop: Shop) -> None:
    """Pillow's plugin raises RuntimeError for it, which once ended the indexer at each start anew."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(buffer, "AVIF")
    damaged = bytearray(buffer.getvalue())
    damaged[81] = 0
    shop.add("damaged", bytes(damaged))
    shop.add("good", garment(1))
    report = shop.work.run()
    assert report.succeeded == 1
    assert [failure.product_ids for failure in report.failed] == [("damaged",)]
    assert shop.work.run().processed == 0


def test_selections(shop: Shop) -> None:
    for number in range(4):
        shop.add(f"dress{number}", garment(number), category="dress")
        shop.add(f"hat{number}", garment(10 + number), category="hat")
    assert shop.work.run(Selection(categories=frozenset({"dress"}))).succeeded == 4
    assert shop.work.run(Selection(limit=3)).succeeded == 3
    assert shop.work.run().succeeded == 1


def test_a_missing_category_is_predicted_and_marked(shop: Shop) -> None:
    shop.add("named", garment(1), category="evening-wear")
    shop.add("unnamed", garment(2))
    shop.work.run()
    named, unnamed = shop.work.catalogue.get("named"), shop.work.catalogue.get("unnamed")
    assert (named.category, named.category_predicted) == ("evening-wear", False)
    (sight,) = shop.work.embedder.see([Image.open(io.BytesIO(garment(2))).convert("RGB")])
    assert unnamed.category == sight.category
    assert unnamed.category_predicted is (sight.category is not None)
    # A product that shows a known picture gets its category without another look.
    shop.add("later", garment(2))
    assert shop.work.run().processed == 0
    assert shop.work.catalogue.get("later").category == sight.category


def test_what_is_kept_beside_the_vector(shop: Shop) -> None:
    product = shop.add("red", garment(3))
    shop.work.run()
    assert product.cover is not None
    sha256 = str(product.cover.sha256)
    row = shop.work.features.get([sha256], shop.work.embedder.embedder_id)[sha256]
    assert set(row.attributes) == {"coverage", "category", "probability", "colours", "box"}
    assert 0.2 < row.attributes["coverage"] < 0.7
    assert row.attributes["colours"][0]["share"] > 0.5
    x, y, w, h = row.attributes["box"]
    assert 0 <= x < x + w <= 1
    assert 0 <= y < y + h <= 1


def test_a_base_is_built_when_it_is_missing_or_outgrown(shop: Shop) -> None:
    assert not shop.work.is_due()
    shop.add("one", garment(1))
    shop.work.run()
    assert shop.work.is_due()
    assert shop.work.build().count == 1
    assert not shop.work.is_due()


def test_only_one_process_indexes(shop: Shop) -> None:
    with (
        Lease(shop.work.catalogue.engine, "indexer", "another:1", 30),
        pytest.raises(LeaseHeld, match="another:1"),
    ):
        shop.work.run(patience_s=0.2)


def test_watching_finds_a_new_picture_within_a_second(shop: Shop) -> None:
    stop = threading.Event()
    index = shop.index()
    index.start()
    watching = threading.Thread(target=shop.work.watch, args=(stop,))
    watching.start()
    try:
        shop.add("first", garment(1))
        wait_for(lambda: index.facts().product_count == 1, 30)
        added = time.monotonic()
        shop.add("second", garment(2))
        wait_for(lambda: index.facts().product_count == 2, 30)
        # The aim is a second on a machine of one's own; the suite shares its cores.
        assert time.monotonic() - added < 5
        shop.work.catalogue.delete(["first"])
        wait_for(lambda: index.facts().product_count == 1, 30)
    finally:
        stop.set()
        watching.join(30)
        index.stop()
    assert not watching.is_alive()
    # The lease was given back: the next one need not wait.
    Lease(shop.work.catalogue.engine, "indexer", "next:1", 30).acquire()


def wait_for(condition: object, timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
