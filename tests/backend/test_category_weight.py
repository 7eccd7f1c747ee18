"""Products ranked by looks and category, worked out again from what the service says of both."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from Backend.main import create_app
from Backend.recommender import PROBABILITY_DIGITS
from Backend.settings import Settings
from Model.ranking import CATEGORY_DOUBT
from tests.backend.conftest import DrawnPhoto

URL = "/api/recommendations/similar-images"
WEIGHT = 0.2


@pytest.fixture(scope="module")
def weighing(settings: Settings) -> Iterator[TestClient]:
    """Return a client of a service for which categories count."""
    with TestClient(create_app(settings.model_copy(update={"category_weight": WEIGHT}))) as client:
        yield client


def rows(client: TestClient, limit: int, **sent: Any) -> list[dict[str, Any]]:
    answer = client.post(URL, data={"limit": limit} | sent.pop("data", {}), **sent)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["similar_products"])


def cosine(row: dict[str, Any]) -> float:
    """Return the cosine out of 1 / (1 + 2 - 2 cos)."""
    return 1 - (1 / float(row["similarity_score"]) - 1) / 2


def test_the_order_is_that_of_looks_and_category(
    client: TestClient, weighing: TestClient, photos: list[DrawnPhoto]
) -> None:
    moved = 0
    for photo in photos[::4]:
        files = {"file": photo.data}
        seen = client.post("/api/classify", files=files).json()["probabilities"]
        shares = {row["slug"]: round(row["probability"], PROBABILITY_DIGITS) for row in seen}
        mixed = {slug: CATEGORY_DOUBT + (1 - CATEGORY_DOUBT) * share for slug, share in shares.items()}
        plain = rows(client, len(photos), files=files)
        assert [cosine(row) for row in plain] == sorted(map(cosine, plain), reverse=True)

        def score(row: dict[str, Any], mixed: dict[str, float] = mixed) -> float:
            loss = WEIGHT * math.log(max(mixed.values()) / mixed[row["category_slug"]])
            return cosine(row) - loss * (1 - row["match_probability"])

        weighed = rows(weighing, len(photos), files=files)
        assert sorted(row["product_id"] for row in weighed) == sorted(row["product_id"] for row in plain)
        scores = [score(row) for row in weighed]
        assert scores == pytest.approx(sorted(scores, reverse=True), abs=2e-3)
        assert rows(weighing, 5, files=files) == weighed[:5]
        assert weighed[0]["product_id"] == photo.product_id
        moved += [row["product_id"] for row in weighed] != [row["product_id"] for row in plain]
    assert moved


def test_a_token_ranks_alike(weighing: TestClient, photos: list[DrawnPhoto]) -> None:
    answer = weighing.post(URL, data={"limit": 20}, files={"file": photos[5].data}).json()
    again = rows(weighing, 20, data={"query_token": answer["query_token"]})
    assert [row["product_id"] for row in again] == [row["product_id"] for row in answer["similar_products"]]


def test_a_product_brings_no_category_of_its_own(
    client: TestClient, weighing: TestClient, photos: list[DrawnPhoto]
) -> None:
    asked = {"data": {"product_id": photos[7].product_id}}
    assert rows(weighing, 20, **asked) == rows(client, 20, data={"product_id": photos[7].product_id})
