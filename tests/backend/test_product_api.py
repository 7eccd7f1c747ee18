"""The documented product API: both published answers key by key and type by type, and what they promise."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from Backend.main import create_app
from Backend.product_views import commercial_use
from Backend.settings import Settings
from Data.product import Picture, Product
from tests.backend.conftest import PER_CLASS, DrawnPhoto

SIMILAR = "/api/recommendations/similar-images"
STATS = "/api/recommendations/image-index-stats"

SIMILAR_PUBLISHED: dict[str, Any] = {
    "product_id": "12345",
    "source_product": {
        "name": "Linen shirt",
        "image_url": "https://shop/1.jpg",
        "category": "Shirt",
        "brand": "Halden",
    },
    "similar_products": [
        {
            "product_id": "67890",
            "name": "Cotton shirt",
            "brand": "Fernhill",
            "category": "Shirt",
            "category_slug": "shirt",
            "image_url": "https://shop/2.jpg",
            "price": 59000.0,
            "discount_rate": 15.0,
            "final_price": 50150.0,
            "similarity_score": 0.85,
            "distance": 0.176,
        }
    ],
    "total_count": 10,
    "search_params": {"limit": 10, "category": "shirt", "min_similarity": 0.5},
}
STATS_PUBLISHED: dict[str, Any] = {
    "faiss_index": {
        "total_vectors": 1000,
        "dimension": 512,
        "product_count": 1000,
        "index_file_exists": True,
        "mapping_file_exists": True,
    },
    "database": {"total_embeddings": 1000, "products_with_images": 1000, "coverage_rate": 100.0},
    "status": "healthy",
}
ADDED = {"currency", "product_url", "match_probability", "band", "colour", "in_stock", "source_indexed"}


def compare(published: Any, found: Any, where: str = "answer") -> None:
    """Every published key is there, with a value of the published type; what was added is known."""
    if isinstance(published, dict):
        assert isinstance(found, dict), where
        assert set(published) <= set(found), where
        assert set(found) - set(published) <= ADDED, where
        for key, value in published.items():
            compare(value, found[key], f"{where}.{key}")
    elif isinstance(published, list):
        assert found, where
        for position, row in enumerate(found):
            compare(published[0], row, f"{where}[{position}]")
    elif type(published) is float:
        assert type(found) in (int, float), where
    else:
        assert type(found) is type(published), where


def similar(client: TestClient, product_id: str, expected: int = 200, **fields: Any) -> Any:
    answer = client.get(f"{SIMILAR}/{product_id}/", params={"min_similarity": 0, **fields})
    assert answer.status_code == expected, answer.text
    return answer.json()


def ids(answer: Any) -> list[str]:
    return [row["product_id"] for row in answer["similar_products"]]


def test_similar_images_is_as_published(client: TestClient, photos: list[DrawnPhoto]) -> None:
    photo = photos[0]
    answer = client.get(f"{SIMILAR}/{photo.product_id}/", params={"category": photo.category, "min_similarity": 0.1})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    compare(SIMILAR_PUBLISHED, body)
    assert body["search_params"] == {"limit": 10, "category": photo.category, "min_similarity": 0.1}
    assert body["total_count"] == len(body["similar_products"])
    assert client.get(f"{SIMILAR}/{photo.product_id}", params=answer.request.url.params).json() == body


def test_defaults_are_as_published(client: TestClient, photos: list[DrawnPhoto]) -> None:
    body = client.get(f"{SIMILAR}/{photos[0].product_id}/").json()
    assert body["search_params"] == {"limit": 10, "category": None, "min_similarity": 0.5}
    assert len(body["similar_products"]) <= 10
    assert all(row["similarity_score"] >= 0.5 for row in body["similar_products"])


def test_index_stats_are_as_published(client: TestClient, photos: list[DrawnPhoto]) -> None:
    answer = client.get(f"{STATS}/")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    compare(STATS_PUBLISHED, body)
    assert client.get(STATS).json() == body
    assert body["status"] == "healthy"
    assert body["faiss_index"]["total_vectors"] == body["database"]["total_embeddings"] == len(photos)
    assert body["database"]["coverage_rate"] == 100.0


def test_alternatives_are_those_of_the_photo_without_the_product(client: TestClient, photos: list[DrawnPhoto]) -> None:
    photo = photos[4]
    found = similar(client, photo.product_id, limit=20)
    by_photo = client.post(SIMILAR, files={"file": photo.data}, data={"limit": 21}).json()
    assert photo.product_id not in ids(found)
    scores = [row["similarity_score"] for row in found["similar_products"]]
    assert scores == sorted(scores, reverse=True)
    # The stored vector has the precision of float16: neighbours that are as good as equal may change places.
    assert len(set(ids(found)) & set(ids(by_photo))) >= 19


def test_category_and_min_similarity_narrow(client: TestClient, photos: list[DrawnPhoto]) -> None:
    photo = photos[0]
    of_category = similar(client, photo.product_id, category=photo.category, limit=50)
    assert len(ids(of_category)) == PER_CLASS - 1
    every = similar(client, photo.product_id, limit=50)["similar_products"]
    scores = [row["similarity_score"] for row in every]
    least = (scores[1] + scores[-1]) / 2
    close = similar(client, photo.product_id, limit=50, min_similarity=least)["similar_products"]
    assert [row["product_id"] for row in close] == [
        row["product_id"] for row in every if row["similarity_score"] >= least
    ]
    assert ids(similar(client, photo.product_id, category="no-such-category")) == []


@pytest.mark.parametrize(
    "fields", [{"limit": 0}, {"limit": 51}, {"min_similarity": 1.1}, {"min_similarity": "nan"}, {"rebuild": "perhaps"}]
)
def test_values_out_of_range_are_refused(client: TestClient, photos: list[DrawnPhoto], fields: dict[str, Any]) -> None:
    body = similar(client, photos[0].product_id, 422, **fields)
    assert [fault["field"] for fault in body["errors"]] == list(fields)


def test_a_product_that_is_not_there(client: TestClient) -> None:
    assert similar(client, "no-such-product", 404)["type"] == "urn:similook:problem:product-not-found"


def test_rebuild_needs_a_key(client: TestClient, photos: list[DrawnPhoto]) -> None:
    assert similar(client, photos[0].product_id, 401, rebuild=True)["type"] == "urn:similook:problem:key-missing"


def test_models_name_licence_and_use(client: TestClient) -> None:
    body = client.get("/api/models").json()
    used = {row["kind"] for row in body["models"] if row["in_use"]}
    assert used == {"encoder", "segmenter", "classifier"}
    mask = next(row for row in body["models"] if row["name"] == "garment-mask")
    assert mask["commercial_use"] is True
    assert mask["dim"] is None


@pytest.mark.parametrize(
    ("licence", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0", True),
        ("CC0", True),
        ("CC-BY-NC 4.0", False),
        ("MIT; weights for research only", False),
        ("", None),
        ("ask us", None),
    ],
)
def test_commercial_use(licence: str, allowed: bool | None) -> None:
    assert commercial_use(licence) is allowed


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """Return a client of a service over a copy of the drawn catalogue, to write into."""
    folder = tmp_path / "similook"
    shutil.copytree(settings.data_dir, folder)
    with TestClient(create_app(settings.model_copy(update={"data_dir": folder})), raise_server_exceptions=False) as one:
        yield one


def test_duplicates_are_left_out_and_new_products_wait(own: TestClient, photos: list[DrawnPhoto]) -> None:
    services = own.app.state.services  # type: ignore[attr-defined]
    source = services.catalogue.get(photos[0].product_id)
    twin = Product(product_id="twin", name="<b>The same picture</b>", pictures=source.pictures)
    bare = Product(
        product_id="bare", name="No picture yet", pictures=(Picture(source_url="https://example.com/a.jpg"),)
    )
    services.catalogue.upsert([twin, bare])
    services.index.refresh()
    by_photo = own.post(SIMILAR, files={"file": photos[0].data}, data={"limit": 5}).json()
    assert {"twin", source.product_id} <= set(ids(by_photo))
    assert not {"twin", source.product_id} & set(ids(similar(own, source.product_id, limit=50)))
    waiting = similar(own, "bare")
    assert (waiting["similar_products"], waiting["source_indexed"]) == ([], False)
    assert own.get(f"{STATS}/").json()["status"] in ("healthy", "degraded")


def test_a_product_whose_id_holds_slashes(own: TestClient, photos: list[DrawnPhoto]) -> None:
    services = own.app.state.services  # type: ignore[attr-defined]
    source = services.catalogue.get(photos[0].product_id)
    services.catalogue.upsert([Product(product_id="AB/12/x", name="Slashed", pictures=source.pictures)])
    services.index.refresh()
    plain = similar(own, source.product_id)
    for path in ("AB/12/x", "AB%2F12%2Fx"):
        found = similar(own, path)
        assert found["product_id"] == "AB/12/x"
        assert ids(found) == ids(plain)
        assert own.get(f"{SIMILAR}/{path}", params={"min_similarity": 0}).json() == found
        assert own.get(f"/api/stats/products/{path}").json()["product"]["product_id"] == "AB/12/x"
    assert "AB/12/x" in own.get("/widget", params={"product_id": "AB/12/x"}).text


def test_a_picture_that_was_saved_again_is_a_duplicate(own: TestClient, photos: list[DrawnPhoto]) -> None:
    services = own.app.state.services  # type: ignore[attr-defined]
    again = io.BytesIO()
    Image.open(io.BytesIO(photos[0].data)).convert("RGB").save(again, "JPEG", quality=90)
    picture = Picture(sha256=services.images.put(again.getvalue()))
    services.catalogue.upsert([Product(product_id="again", name="Saved again", pictures=(picture,))])
    key = {"Authorization": f"Bearer {services.keys.first_key()}"}
    of_it = own.get(f"{SIMILAR}/again/", params={"rebuild": True, "min_similarity": 0}, headers=key).json()
    assert of_it["source_indexed"]
    assert photos[0].product_id not in ids(of_it)
    assert "again" not in ids(similar(own, photos[0].product_id, limit=50))
    assert "again" in ids(own.post(SIMILAR, files={"file": photos[0].data}, data={"limit": 5}).json())


def test_rebuild_looks_again(own: TestClient, photos: list[DrawnPhoto]) -> None:
    services = own.app.state.services  # type: ignore[attr-defined]
    source = services.catalogue.get(photos[0].product_id)
    before = similar(own, source.product_id)
    seq = services.index.facts().seq
    answer = own.get(
        f"{SIMILAR}/{source.product_id}/",
        params={"min_similarity": 0, "rebuild": True},
        headers={"Authorization": f"Bearer {services.keys.first_key()}"},
    )
    assert answer.status_code == 200, answer.text
    assert services.index.facts().seq > seq
    assert set(ids(answer.json())) == set(ids(before))
