"""A picture's way from address to indexed, and which one is shown."""

from typing import Any

import numpy as np
import pytest

from Data.catalogue import Catalogue
from Data.changes import ChangeLog
from Data.errors import ProductNotFound
from Data.features import FeatureRow, Features
from Data.product import Picture, Product
from Data.records import PendingPicture, PictureFacts


def sha(number: int) -> str:
    return f"{number:064x}"


def url(number: int) -> str:
    return f"https://example.com/{number}.jpg"


def make(product_id: str, *pictures: dict[str, Any]) -> Product:
    return Product(product_id=product_id, name="Shirt", pictures=tuple(Picture(**values) for values in pictures))


def feature(number: int) -> FeatureRow:
    return FeatureRow(sha(number), np.eye(4, dtype=np.float32)[number % 4], {})


def facts(number: int, score: float | None = None) -> PictureFacts:
    quality = None if score is None else {"score": score, "sharpness": 0.25}
    return PictureFacts(sha(number), "image/jpeg", 640, 480, 12345, "ff00", quality, '"tag"', "yesterday")


def statuses(catalogue: Catalogue, product_id: str) -> list[tuple[str, str | None]]:
    return [(status.status, status.reason) for status in catalogue.picture_status(product_id)]


def test_fetching(catalogue: Catalogue) -> None:
    catalogue.upsert([make("a", {"source_url": url(1)}, {"source_url": url(2)}), make("b", {"source_url": url(3)})])
    batches = list(catalogue.unfetched_pictures(batch_size=2))
    assert [[(row.vector_id, row.product_id, row.source_url) for row in batch] for batch in batches] == [
        [(1, "a", url(1)), (2, "a", url(2))],
        [(3, "b", url(3))],
    ]
    catalogue.mark_unfetchable({1: "The server answers 404."})
    catalogue.mark_unfetchable({})
    assert catalogue.attach_pictures({2: sha(2), 3: sha(3), 99: sha(9)}) == 2
    assert list(catalogue.unfetched_pictures()) == []
    assert statuses(catalogue, "a") == [("failed", "The server answers 404."), ("pending", None)]
    assert catalogue.get("a").cover_position == 1
    assert [status.reason for batch in catalogue.failed_pictures() for _, status in batch] == [
        "The server answers 404."
    ]
    # The same feed again changes nothing, although the files are known by now.
    assert catalogue.upsert([make("b", {"source_url": url(3)})]).unchanged == 1
    # Another file at the same address is another picture.
    assert catalogue.attach_pictures({3: sha(4)}) == 1
    assert [(status.vector_id, status.sha256) for status in catalogue.picture_status("b")] == [(4, sha(4))]
    assert catalogue.attach_pictures({4: sha(4)}) == 0
    assert catalogue.retry_failed() == 1
    assert [row.vector_id for batch in catalogue.unfetched_pictures() for row in batch] == [1]


def test_embedding(catalogue: Catalogue) -> None:
    features = Features(catalogue.engine)
    catalogue.upsert([make("a", {"sha256": sha(1)}, {"sha256": sha(2)}), make("b", {"sha256": sha(1)})])
    assert list(catalogue.pending_pictures("e", batch_size=1)) == [
        [PendingPicture(sha(1), (1, 3))],
        [PendingPicture(sha(2), (2,))],
    ]
    catalogue.mark_failed(sha(2), "Not a picture.")
    features.put("e", [feature(1)])
    assert statuses(catalogue, "a") == [("indexed", None), ("failed", "Not a picture.")]
    assert statuses(catalogue, "b") == [("indexed", None)]
    assert list(catalogue.pending_pictures("e")) == []
    assert list(catalogue.pending_pictures("e", newly=True)) == []
    # A picture that has been seen already is searchable at once, wherever it turns up.
    catalogue.upsert([make("c", {"sha256": sha(1)})])
    assert statuses(catalogue, "c") == [("indexed", None)]
    assert [tuple(change) for change in ChangeLog(catalogue.engine).since(0)] == [
        (1, "upsert", 1, "a"),
        (2, "upsert", 3, "b"),
        (3, "upsert", 4, "c"),
    ]
    # Another embedder must see everything again, but what failed.
    assert [picture.sha256 for batch in catalogue.pending_pictures("e2") for picture in batch] == [sha(1)]
    assert catalogue.retry_failed() == 1
    assert [picture.sha256 for batch in catalogue.pending_pictures("e", newly=True) for picture in batch] == [sha(2)]


def test_a_new_embedder_and_a_known_picture(catalogue: Catalogue) -> None:
    features = Features(catalogue.engine)
    catalogue.upsert([make("a", {"sha256": sha(1)}), make("b", {"sha256": sha(2)})])
    features.put("old", [feature(1), feature(2)])
    features.put("new", [feature(1)])
    catalogue.upsert([make("c", {"sha256": sha(1)}), make("d", {"sha256": sha(2)})])
    assert statuses(catalogue, "c") == [("indexed", None)]
    assert statuses(catalogue, "d") == [("pending", None)]  # found through the old one, still to be seen by the new
    assert [picture.sha256 for batch in catalogue.pending_pictures("new", newly=True) for picture in batch] == [sha(2)]


def test_the_cleanest_picture_is_shown(catalogue: Catalogue) -> None:
    def cover() -> int:
        covers = [status.position for status in catalogue.picture_status("a") if status.is_cover]
        product = catalogue.get("a")
        assert covers == [product.cover_position]
        assert product.cover == product.pictures[covers[0]]
        return covers[0]

    catalogue.upsert([make("a", {"sha256": sha(1)}, {"sha256": sha(2)}, {"sha256": sha(3)})])
    assert cover() == 0
    catalogue.put_pictures([facts(1, 0.3), facts(2, 0.9), facts(3, 0.5), facts(4)])
    assert cover() == 1
    catalogue.mark_failed(sha(2), "Too blurred.")
    assert cover() == 2
    catalogue.put_pictures([facts(1, 0.5)])
    assert cover() == 0  # of equals the shop's first
    catalogue.upsert([make("a", {"sha256": sha(3)}, {"sha256": sha(1)})])
    assert cover() == 0
    catalogue.upsert([make("b", {"source_url": url(1)}, {"sha256": sha(9)})])
    assert catalogue.get("b").cover_position == 1  # only it can be shown
    assert make("c").cover is None


def test_facts(catalogue: Catalogue) -> None:
    catalogue.put_pictures([facts(2), facts(1, 0.5), facts(1, 0.25)])
    catalogue.put_pictures([])
    assert catalogue.get_pictures([sha(1), sha(3)]) == {sha(1): facts(1, 0.25)}
    assert list(catalogue.iterate_pictures(batch_size=1)) == [[facts(1, 0.25)], [facts(2)]]
    catalogue.upsert([make("b", {"sha256": sha(1)}), make("a", {"sha256": sha(1)})])
    assert catalogue.products_showing([sha(1), sha(2)]) == {sha(1): ["a", "b"]}


def test_stats(catalogue: Catalogue) -> None:
    catalogue.upsert(
        [
            make("a", {"sha256": sha(1)}, {"sha256": sha(2)}),
            make("b", {"sha256": sha(1)}),
            make("c", {"source_url": url(1)}),
            make("d"),
        ]
    )
    catalogue.mark_failed(sha(2), "Not a picture.")
    Features(catalogue.engine).put("e", [feature(1), feature(7)])
    stats = catalogue.stats("e")
    assert (stats.products, stats.products_with_images, stats.products_indexed) == (4, 2, 2)
    assert (stats.pictures, stats.features, stats.vectors) == (4, 2, 2)
    assert (stats.pending, stats.failed, stats.currency) == (1, 1, None)
    assert stats.coverage_rate == 50.0
    assert catalogue.stats("another").vectors == 0


def test_the_status_of_nothing(catalogue: Catalogue) -> None:
    catalogue.upsert([make("a")])
    assert catalogue.picture_status("a") == []
    with pytest.raises(ProductNotFound):
        catalogue.picture_status("b")
