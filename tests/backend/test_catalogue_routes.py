"""Products written over HTTP: keys, refusals, pictures, batches, and found as soon as they have been looked at.

The service is the real one but for its networks, which have no part in this; on SQLite and on PostgreSQL.
"""

import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import hypothesis
import numpy as np
import pytest
import schemathesis
from fastapi.testclient import TestClient
from PIL import Image
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from Backend.main import create_app
from Backend.metrics import Metrics
from Backend.overview import Overviews
from Backend.services import Services, api_keys, open_images, query_tokens
from Backend.settings import Settings
from Data.catalogue import Catalogue
from Data.crawler import Fetcher
from Data.crawler.pictures import PictureWorker
from Data.features import FeatureRow, Features
from Data.filters import Filter
from Data.index.live import LiveIndex
from tests.data.conftest import database_url, new_database  # noqa: F401 - fixtures
from tests.data.webshop import web_shop

EMBEDDER = "test"
DRESS = {"name": "Wrap dress", "category": "Dress", "price": 79.0, "final_price": 59.25, "currency": "EUR"}


class NoNetworks:
    """Stands where the networks do; nothing here asks them anything."""

    embedder_id = EMBEDDER

    def reload_classifier_if_changed(self) -> bool:
        return False


def services_of(settings: Settings, metrics: Metrics) -> Services:
    catalogue = Catalogue.open(settings.database)
    catalogue.migrate()
    index = LiveIndex(settings.index_dir, catalogue.engine, EMBEDDER)
    index.start()
    query_tokens(settings, EMBEDDER)
    return Services(
        settings=settings,
        catalogue=catalogue,
        images=open_images(settings),
        embedder=NoNetworks(),  # type: ignore[arg-type]
        index=index,
        recommender=None,  # type: ignore[arg-type]
        overviews=Overviews(catalogue, EMBEDDER),
        keys=api_keys(settings),
        thumbnails=settings.cache_dir / "thumbnails",
        _stop=threading.Event(),
    )


class Shop:
    """A shop's program: a client with a key, and what the test looks behind the scenes with."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.services: Services = client.app.state.services  # type: ignore[attr-defined]
        self.key = {"Authorization": f"Bearer {self.services.keys.first_key()}"}

    def send(self, method: str, path: str, expected: int = 200, **body: Any) -> Any:
        headers = {"Content-Type": "application/json"} if "content" in body else {}
        answer = self.client.request(method, path, headers={**self.key, **headers}, **body)
        assert answer.status_code == expected, answer.text
        return answer.json() if answer.content else None

    def upload(self, data: bytes, expected: int = 200) -> Any:
        return self.send("POST", "/api/images", expected, files={"file": ("a.png", data)})

    def look(self, *sha256s: str) -> None:
        """Do the indexer's part: each picture is seen as the vector of its place."""
        vectors = np.eye(8, dtype=np.float32)
        rows = [FeatureRow(sha256, vectors[place]) for place, sha256 in enumerate(sha256s)]
        Features(self.services.catalogue.engine).put(EMBEDDER, rows)

    def found(self, place: int) -> list[str]:
        hits = self.services.index.search(np.eye(8, dtype=np.float32)[[place]], 5, Filter())[0]
        return [hit.product_id for hit in hits if hit.cosine > 0.9]

    def within_a_second(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + 1.0
        while not is_so():
            assert time.monotonic() < end, "it took longer than a second"
            time.sleep(0.02)


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Iterator[Shop]:  # noqa: F811
    settings = Settings(data_dir=tmp_path, database_url=database_url, max_upload_mb=1.0)
    with TestClient(create_app(settings, services_of), raise_server_exceptions=False) as client:
        yield Shop(client)


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 40), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_product_is_found_within_a_second_of_being_looked_at(shop: Shop) -> None:
    sha256 = shop.upload(picture(1))["sha256"]
    product = {**DRESS, "pictures": [{"sha256": sha256}]}
    assert shop.send("PUT", "/api/products/dress-1", 201, json=product) == {
        "product_id": "dress-1", "result": "created", "reason": None,
    }  # fmt: skip
    assert shop.send("GET", "/api/products/dress-1/status")["status"] == "pending"
    assert shop.found(0) == []
    shop.look(sha256)
    shop.within_a_second(lambda: shop.found(0) == ["dress-1"])
    assert shop.send("GET", "/api/products/dress-1/status") == {
        "product_id": "dress-1",
        "status": "indexed",
        "pictures": [{"status": "indexed", "reason": None, "sha256": sha256, "url": None, "is_cover": True}],
    }
    shown = shop.send("GET", "/api/products/dress-1")
    assert (shown["category"], shown["category_slug"], shown["discount_rate"]) == ("Dress", "dress", 25.0)
    # The same picture in another product has been looked at already.
    shop.send("PUT", "/api/products/dress-2", 201, json=product)
    shop.within_a_second(lambda: sorted(shop.found(0)) == ["dress-1", "dress-2"])
    assert shop.send("DELETE", "/api/products/dress-1", 204) is None
    shop.within_a_second(lambda: shop.found(0) == ["dress-2"])
    shop.send("DELETE", "/api/products/dress-1", 404)
    shop.send("GET", "/api/products/dress-1/status", 404)


@pytest.mark.parametrize("path", ["AB/12", "AB%2F12", "%EC%98%B7/%23%3F%25"])
def test_an_id_may_hold_slashes_and_anything_else(shop: Shop, path: str) -> None:
    product_id = unquote(path)
    assert shop.send("PUT", f"/api/products/{path}", 201, json=DRESS)["product_id"] == product_id
    assert shop.send("GET", f"/api/products/{path}")["product_id"] == product_id
    status = shop.send("GET", f"/api/products/{path}/status")
    assert (status["product_id"], status["status"]) == (product_id, "no_pictures")
    shop.send("DELETE", f"/api/products/{path}", 204)
    problem = shop.send("GET", f"/api/products/{path}", 404)
    assert problem["type"] == "urn:similook:problem:product-not-found"


def test_a_product_is_replaced_as_a_whole(shop: Shop) -> None:
    shop.send("PUT", "/api/products/a", 201, json=DRESS)
    assert shop.send("PUT", "/api/products/a", json=DRESS)["result"] == "unchanged"
    assert shop.send("PUT", "/api/products/a", json={"name": "Bare"})["result"] == "changed"
    bare = shop.send("GET", "/api/products/a")
    assert (bare["name"], bare["price"], bare["category"]) == ("Bare", None, None)


def test_a_picture_by_its_address_is_fetched_or_told_why_not(shop: Shop) -> None:
    with web_shop() as web:
        good, bad = web.show("/a.png", picture(2), "image/png"), f"{web.url}/gone.png"
        shop.send("PUT", "/api/products/a", 201, json={**DRESS, "pictures": [{"url": bad}, {"url": good}]})
        assert shop.send("GET", "/api/products/a/status")["status"] == "pending"
        services = shop.services
        PictureWorker(services.catalogue, services.images, Fetcher(allow_private=True)).run()
    status = shop.send("GET", "/api/products/a/status")
    assert [(each["status"], each["url"], each["is_cover"]) for each in status["pictures"]] == [
        ("failed", bad, False),
        ("pending", good, True),
    ]
    assert status["pictures"][0]["reason"] == "The server answered 404."
    shop.look(status["pictures"][1]["sha256"])
    assert shop.send("GET", "/api/products/a/status")["status"] == "indexed"
    shop.services.catalogue.mark_failed(status["pictures"][1]["sha256"], "The picture is incomplete.")
    assert shop.send("GET", "/api/products/a/status")["status"] == "failed"
    shop.send("PUT", "/api/products/b", 201, json=DRESS)
    assert shop.send("GET", "/api/products/b/status") == {"product_id": "b", "status": "no_pictures", "pictures": []}


def test_a_batch_tells_of_each_item(shop: Shop) -> None:
    shop.send("PUT", "/api/products/old", 201, json=DRESS)
    products = [
        {"product_id": "a", **DRESS},
        {"product_id": "b", "name": "Hat", "price": -1, "currency": "EUR"},
        {"product_id": "a", "name": "Again"},
        {"name": "Nameless id"},
        {"product_id": "c", "name": "Bag", "pictures": [{"sha256": "0" * 64}]},
        {"product_id": "d", "name": "Bag", "pictures": "everywhere"},
        {"product_id": "e", "name": "Bag", "surprise": 1},
        {"product_id": "f", "name": "Bag", "sizes": 5},
        {"product_id": "\ud800", "name": "Half a character"},
        {"product_id": "old", **DRESS, "in_stock": False},
    ]
    body = json.dumps({"products": products, "delete": ["none", "a"]}).encode()
    answer = shop.send("POST", "/api/products:batch", content=body)
    assert answer["failed"] == 10
    said = [(each["product_id"], each["result"], each["reason"]) for each in answer["results"]]
    assert said == [
        ("a", "created", None),
        ("b", "failed", "price -1 is negative."),
        ("a", "failed", "product_id stands in item 0 already: send each product once."),
        (None, "failed", "product_id is missing."),
        ("c", "failed", f"There is no picture {'0' * 64}: upload it first, or give its address."),
        ("d", "failed", "pictures Input should be a valid tuple."),
        ("e", "failed", "surprise is not a field of a product."),
        ("f", "failed", "sizes must be a list of texts."),
        ("?", "failed", "product_id holds control characters."),
        ("old", "changed", None),
        ("none", "failed", "There is no product with this id."),
        ("a", "failed", "product_id stands in this batch already: send each product once."),
    ]
    assert not shop.send("GET", "/api/products/old")["in_stock"]
    answer = shop.send("POST", "/api/products:batch", json={"delete": ["a", "old", "a"]})
    assert [each["result"] for each in answer["results"]] == ["deleted", "deleted", "failed"]
    assert shop.services.catalogue.count() == 0


def test_a_thousand_at_once_and_no_more(shop: Shop) -> None:
    products = [{"product_id": f"p{number}", **DRESS} for number in range(1000)]
    assert shop.send("POST", "/api/products:batch", json={"products": products})["failed"] == 0
    assert shop.services.catalogue.count() == 1000
    shop.send("POST", "/api/products:batch", 422, json={"products": products, "delete": ["x"]})
    shop.send("POST", "/api/products:batch", 422, json={"products": []})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"price": 10}, "name"),
        ({"name": "A", "price": 10}, "a price needs a currency"),
        ({"name": "A", "price": 10, "final_price": 11, "currency": "EUR"}, "above price"),
        ({"name": "A", "price": 10.5, "currency": "KRW"}, "no decimals"),
        ({"name": "A", "price": "1e400", "currency": "EUR"}, "price"),
        ({"name": "A", "product_url": "javascript:alert(1)"}, "not a whole http or https address"),
        ({"name": "A", "pictures": [{}]}, "needs a sha256 or a source_url"),
        ({"name": "A", "pictures": [{"url": "/a.jpg"}]}, "not a whole http or https address"),
        ({"name": "A", "what": 1}, "what"),
        ({"name": "A", "\ud800": 1}, "Correct these"),
        ([], "Correct these"),
    ],
)
def test_a_bad_product_is_refused_in_a_sentence(shop: Shop, body: Any, said: str) -> None:
    problem = shop.send("PUT", "/api/products/a", 422, content=json.dumps(body).encode())
    assert said in problem["detail"]


@pytest.mark.parametrize(
    ("data", "status"), [(b"<html>", 415), (picture(3)[:60], 422), (b"", 415), (bytes(1_100_000), 413)]
)
def test_what_is_no_picture_is_not_stored(shop: Shop, data: bytes, status: int) -> None:
    shop.upload(data, status)
    assert list(shop.services.images.iter_sha256()) == []


def test_writing_needs_a_key_with_the_scope(shop: Shop) -> None:
    shop.send("PUT", "/api/products/a", 201, json=DRESS)
    metrics = shop.services.keys.create("graphs", ("metrics",))
    writer = shop.services.keys.create("shop", ("catalogue",))
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "/api/products/a", {"json": DRESS}),
        ("POST", "/api/products:batch", {"json": {"delete": ["none"]}}),
        ("POST", "/api/images", {"files": {"file": picture(1)}}),
        ("DELETE", "/api/products/a", {}),
    ]
    for method, path, body in calls:
        for key, expected in ((None, 401), ("slk_wrong", 401), (metrics, 403)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            answer = shop.client.request(method, path, headers=headers, **body)
            assert (answer.status_code, answer.headers["content-type"]) == (expected, "application/problem+json")
        answer = shop.client.request(method, path, headers={"Authorization": f"Bearer {writer}"}, **body)
        assert answer.status_code in (200, 204)
    assert shop.client.get("/api/products/a/status").status_code == 404  # reading needs none


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_no_request_with_a_key_breaks_the_contract(tmp_path: Path) -> None:
    """No 5xx, no undocumented status, type or answer, past the door that strangers do not pass."""
    settings = Settings(data_dir=tmp_path, max_upload_mb=1.0)
    with TestClient(create_app(settings, services_of), raise_server_exceptions=False) as client:
        key = Shop(client).key
        document = schemathesis.openapi.from_asgi("/openapi.json", client.app)
        operations = [found.ok() for found in document.get_all_operations()]
        mine = [each for each in operations if each.definition.raw.get("tags") == ["catalogue"]]
        assert {each.method.upper() for each in mine} == {"GET", "PUT", "DELETE", "POST"}
        for operation in mine:

            @hypothesis.given(case=operation.as_strategy())
            @hypothesis.settings(
                max_examples=8, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
            )
            def holds(case: schemathesis.Case) -> None:
                case.call_and_validate(headers=key, checks=CHECKS)

            holds()
