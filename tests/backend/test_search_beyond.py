"""One search for several pictures, addresses and products; pages, order, hiding and counts; a photo's every garment."""

import io
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from Backend.fetching import open_impatient_fetcher
from Backend.settings import Settings
from tests.backend.conftest import PER_CLASS, DrawnPhoto

URL = "/api/recommendations/similar-images"
OUTFIT = "/api/recommendations/outfit"


def search(client: TestClient, expected: int = 200, files: Any = None, **fields: Any) -> Any:
    answer = client.post(URL, data=fields, files=files)
    assert answer.status_code == expected, answer.text
    return answer.json()


def ids(answer: Any) -> list[str]:
    return [row["product_id"] for row in answer["similar_products"]]


def test_a_product_stands_for_its_picture(client: TestClient, photos: list[DrawnPhoto]) -> None:
    found = search(client, product_id=photos[8].product_id)
    assert ids(found)[0] == photos[8].product_id
    assert ids(search(client, query_token=found["query_token"])) == ids(found)


def test_pictures_and_products_together(client: TestClient, photos: list[DrawnPhoto]) -> None:
    one, two = photos[0], photos[-1]
    files = [("file", ("a.jpg", one.data)), ("file", ("b.jpg", two.data))]
    both = search(client, files=files)
    assert {one.product_id, two.product_id} <= set(ids(both))
    mostly = search(client, files=files, weight=["9", "1"])
    assert ids(mostly)[0] == one.product_id
    mixed = search(client, files=files[:1], product_id=two.product_id, weight=["1", "9"])
    assert ids(mixed)[0] == two.product_id


@pytest.mark.parametrize(
    ("fields", "slug"),
    [
        ({"weight": ["1", "2"]}, "parts-unusable"),
        ({"crop": ["0,0,1,1", "0,0,1,1"]}, "parts-unusable"),
        ({"product_id": ["a", "b", "c", "d", "e"]}, "parts-unusable"),
        ({"product_id": "no-such-product"}, "product-not-found"),
        ({"image_url": "file:///etc/passwd"}, "fetch-refused"),
        ({"image_url": "http://127.0.0.1:9/a.jpg"}, "fetch-refused"),
        ({"image_url": "http://169.254.169.254/latest"}, "fetch-refused"),
        ({"weight": "0"}, "request-invalid"),
        ({"sort": "name"}, "request-invalid"),
        ({"cursor": "-1"}, "request-invalid"),
        ({"cursor": "1000"}, "request-invalid"),
        ({"min_match_probability": "nan"}, "request-invalid"),
    ],
)
def test_parts_that_do_not_fit(client: TestClient, photos: list[DrawnPhoto], fields: dict[str, Any], slug: str) -> None:
    answer = client.post(URL, data=fields, files={"file": photos[0].data})
    assert (answer.status_code in (404, 422), answer.json()["type"]) == (True, f"urn:similook:problem:{slug}")


def test_a_token_stands_alone(client: TestClient, photos: list[DrawnPhoto]) -> None:
    token = search(client, product_id=photos[0].product_id)["query_token"]
    assert search(client, 400, query_token=token, product_id="x")["type"] == "urn:similook:problem:photo-missing"


@pytest.fixture
def picture_host(photos: list[DrawnPhoto]) -> Iterator[str]:
    """Serve one picture from this machine and return its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(photos[6].data)))
            self.end_headers()
            self.wfile.write(photos[6].data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as host:
        thread = threading.Thread(target=host.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{host.server_port}/picture.jpg"
        host.shutdown()
        thread.join()


def test_a_picture_by_its_address(
    client: TestClient, settings: Settings, photos: list[DrawnPhoto], picture_host: str
) -> None:
    state = client.app.state  # type: ignore[attr-defined]
    usual = state.fetcher
    state.fetcher = open_impatient_fetcher(settings.model_copy(update={"allow_private_addresses": True}))
    try:
        found = search(client, image_url=picture_host)
    finally:
        state.fetcher = usual
    assert ids(found) == ids(search(client, files={"file": photos[6].data}))


@pytest.mark.parametrize("sort", ["similarity", "price_asc", "price_desc", "discount"])
def test_pages_fit_together(client: TestClient, photos: list[DrawnPhoto], sort: str) -> None:
    token = search(client, files={"file": photos[0].data})["query_token"]
    whole = search(client, query_token=token, sort=sort, limit=50)
    assert whole["next_cursor"] is None
    assert len(ids(whole)) == len(photos)
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in range(10):
        page = search(client, query_token=token, sort=sort, limit=16, **cursor)
        seen += ids(page)
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == ids(whole)
    prices = [row["final_price"] for row in whole["similar_products"]]
    if sort.startswith("price"):
        assert prices == sorted(prices, reverse=sort == "price_desc")
    if sort == "discount":
        rates = [row["discount_rate"] for row in whole["similar_products"]]
        assert rates == sorted(rates, reverse=True)


def test_the_unlikely_are_hidden_and_counted(client: TestClient, photos: list[DrawnPhoto]) -> None:
    every = search(client, files={"file": photos[0].data}, limit=50)
    chances = [row["match_probability"] for row in every["similar_products"]]
    token = every["query_token"]
    if chances[0] is None:
        refused = search(client, 422, query_token=token, min_match_probability=0.5)
        assert refused["type"] == "urn:similook:problem:not-calibrated"
        return
    least = (chances[4] + chances[5]) / 2
    found = search(client, query_token=token, min_match_probability=least, limit=50)
    expected = sum(chance >= least for chance in chances)
    assert abs(found["total_count"] - expected) <= 1
    assert found["total_count"] + found["hidden_count"] == len(photos)


def test_facets_count_what_could_be_chosen(client: TestClient, photos: list[DrawnPhoto]) -> None:
    found = search(client, files={"file": photos[0].data}, category=photos[0].category, facets="true", limit=50)
    categories = {row["value"]: row["count"] for row in found["facets"]["category"]}
    assert categories == dict.fromkeys({photo.category for photo in photos}, PER_CLASS)
    rows = found["similar_products"]
    for facet, field in (("brand", "brand"), ("colour", "colour")):
        counts = {row["value"]: row["count"] for row in found["facets"][facet]}
        values = [row[field] for row in rows if row[field]]
        assert counts == {value: values.count(value) for value in values}
    for band in found["facets"]["price"]:
        inside = [row for row in rows if band["min_price"] <= row["final_price"] < band["below"]]
        assert len(inside) == band["count"]
    assert search(client, files={"file": photos[0].data})["facets"] is None


def test_every_garment_of_a_photo(client: TestClient, photos: list[DrawnPhoto]) -> None:
    halves = [Image.open(io.BytesIO(photo.data)).convert("RGB") for photo in (photos[0], photos[-1])]
    width, height = halves[0].size
    both = Image.new("RGB", (2 * width, height), "white")
    for position, half in enumerate(halves):
        both.paste(half, (position * width, 0))
    buffer = io.BytesIO()
    both.save(buffer, "PNG")
    boxes = ["0,0,0.5,1", "0.5,0,0.5,1"]
    answer = client.post(OUTFIT, files={"file": buffer.getvalue()}, data={"box": boxes, "limit": 5})
    assert answer.status_code == 200, answer.text
    garments = answer.json()["garments"]
    for box, garment in zip(boxes, garments, strict=True):
        alone = search(client, files={"file": buffer.getvalue()}, crop=box, limit=5)
        assert set(ids(garment)) & set(ids(alone))
        assert ids(garment)[0] == ids(alone)[0]


@pytest.mark.parametrize("boxes", [[], [""], ["1,2"], ["0,0,1,1"] * 9, ["2,2,1,1"]])
def test_boxes_that_cannot_be_used(client: TestClient, photos: list[DrawnPhoto], boxes: list[str]) -> None:
    answer = client.post(OUTFIT, files={"file": photos[0].data}, data={"box": boxes})
    assert answer.status_code == 422
