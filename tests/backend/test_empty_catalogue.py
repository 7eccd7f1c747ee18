"""A shop that has not imported anything yet: every address answers, and says that there is nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from Backend.main import create_app
from Backend.metrics import Metrics
from Backend.overview import Overviews
from Backend.recommender import Recommender
from Backend.services import Services, decode_limits, open_catalogue, open_images, query_tokens
from Backend.settings import Settings
from Data.index.live import LiveIndex
from tests.backend.conftest import DrawnPhoto


@pytest.fixture(scope="module")
def empty(client: TestClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Return a client of a service over an empty catalogue, with the networks of the other one."""
    loaded: Services = client.app.state.services  # type: ignore[attr-defined]

    def open_services(settings: Settings, metrics: Metrics) -> Services:
        catalogue = open_catalogue(settings)
        catalogue.migrate()
        embedder = loaded.embedder
        index = LiveIndex(settings.index_dir, catalogue.engine, embedder.embedder_id)
        tokens = query_tokens(settings, embedder.embedder_id)
        return replace(
            loaded,
            settings=settings,
            catalogue=catalogue,
            images=open_images(settings),
            index=index,
            recommender=Recommender(embedder, index, catalogue, tokens, decode_limits(settings)),
            overviews=Overviews(catalogue, embedder.embedder_id),
        )

    folder: Path = tmp_path_factory.mktemp("empty")
    with TestClient(create_app(Settings(data_dir=folder), open_services)) as one:
        yield one


def test_a_photo_finds_nothing_and_is_seen_all_the_same(empty: TestClient, photos: list[DrawnPhoto]) -> None:
    url = "/api/recommendations/similar-images"
    answer = empty.post(url, files={"file": photos[0].data}, data={"facets": "true", "sort": "price_asc"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["similar_products"], body["total_count"], body["next_cursor"]) == ([], 0, None)
    assert body["facets"] == {"category": [], "brand": [], "colour": [], "price": []}
    assert empty.post(url, data={"query_token": body["query_token"], "max_price": "10"}).json()["total_count"] == 0
    assert len(empty.post("/api/classify", files={"file": photos[0].data}).json()["probabilities"]) == 13


def test_the_classic_answer_keeps_its_form(empty: TestClient, photos: list[DrawnPhoto]) -> None:
    body = empty.post("/getSimilarFashion", files={"file": photos[0].data}).json()
    assert [body[f"image{position}"] for position in range(5)] == [["", "", "", ""]] * 5


def test_every_reading_address_answers(empty: TestClient) -> None:
    assert empty.get("/readyz").json()["index"]["detail"] == "0 vectors"
    assert empty.get("/api/products").json() == {"products": [], "next_cursor": None}
    assert empty.get("/api/categories").json() == {"categories": []}
    stats = empty.get("/api/recommendations/image-index-stats/").json()
    assert (stats["status"], stats["database"]["coverage_rate"]) == ("unhealthy", 0.0)
    glance = empty.get("/api/stats").json()
    assert (glance["products"], glance["prices"]["median"], glance["colours"]["pictures"]) == (0, None, 0)
    assert "The catalogue is empty" in empty.get("/widget").text
    assert empty.get("/api/recommendations/similar-images/1/").status_code == 404


def test_a_count_under_way_keeps_nobody_waiting(empty: TestClient) -> None:
    overviews = empty.app.state.services.overviews  # type: ignore[attr-defined]
    last = overviews.get()
    with overviews._lock:
        assert overviews.get() is last
