"""The catalogue's categories, and the catalogue by category."""

from collections import Counter

from fastapi.testclient import TestClient

from Data.sample import SAMPLE_CATEGORIES
from tests.backend.conftest import PER_CLASS, DrawnPhoto


def test_every_category_with_its_products(client: TestClient, photos: list[DrawnPhoto]) -> None:
    categories = client.get("/api/categories").json()["categories"]
    assert {category["slug"]: category["name"] for category in categories} == dict(SAMPLE_CATEGORIES)
    assert {category["slug"]: category["count"] for category in categories} == Counter(p.category for p in photos)


def test_products_of_one_category(client: TestClient) -> None:
    found = client.get("/api/products", params={"category": "dress"}).json()["products"]
    assert [product["category_slug"] for product in found] == ["dress"] * PER_CLASS
    assert client.get("/api/products", params={"category": "no-such"}).json()["products"] == []
