"""Every other route: exact answers, caching, readiness, counters, the two classic addresses."""

import io
import threading
import time
from pathlib import Path

import pytest
import requests
from fastapi.testclient import TestClient
from PIL import Image

from Backend.main import create_app
from Backend.schemas import ClassifyAnswer, GarmentBoxAnswer, ProductAnswer, ProductsAnswer, ReadyAnswer
from Backend.settings import Settings
from tests.backend.conftest import PER_CLASS, DrawnPhoto

TOTAL = 13 * PER_CLASS


def test_classify_names_every_category_once(client: TestClient, photos: list[DrawnPhoto]) -> None:
    answer = ClassifyAnswer.model_validate_json(client.post("/api/classify", files={"file": photos[0].data}).content)
    shares = [row.probability for row in answer.probabilities]
    assert len({row.slug for row in answer.probabilities}) == 13
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert shares == sorted(shares, reverse=True)
    if answer.category is not None:
        assert answer.category.slug == answer.probabilities[0].slug
        assert answer.category.probability == pytest.approx(shares[0])


def test_garment_box_is_where_the_garment_is(client: TestClient) -> None:
    picture = Image.new("RGB", (400, 200), "white")
    picture.paste((40, 60, 120), (250, 50, 350, 150))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    answer = GarmentBoxAnswer.model_validate_json(
        client.post("/api/garment-box", files={"file": buffer.getvalue()}).content
    )
    assert answer.found
    box = answer.box
    assert (box.x, box.y, box.w, box.h) == pytest.approx((0.625, 0.25, 0.25, 0.5), abs=0.05)
    assert answer.coverage == pytest.approx(0.125, abs=0.05)


def test_no_garment_is_an_answer(client: TestClient) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(buffer, "PNG")
    box = client.post("/api/garment-box", files={"file": buffer.getvalue()}).json()
    assert box["found"] is False
    assert box["box"] == {"x": 0, "y": 0, "w": 1, "h": 1}
    similar = client.post("/api/recommendations/similar-images", files={"file": buffer.getvalue()})
    assert similar.status_code == 200
    assert similar.json()["garment_found"] is False


def test_the_catalogue_pages_through_all_products_once(client: TestClient, photos: list[DrawnPhoto]) -> None:
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "30", **({"cursor": cursor} if cursor else {})}
        page = ProductsAnswer.model_validate_json(client.get("/api/products", params=params).content)
        seen += [product.product_id for product in page.products]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(photo.product_id for photo in photos)
    assert len(seen) == TOTAL


def test_one_product(client: TestClient, photos: list[DrawnPhoto]) -> None:
    answer = client.get(f"/api/products/{photos[0].product_id}")
    product = ProductAnswer.model_validate_json(answer.content)
    assert product.product_id == photos[0].product_id
    assert product.category_slug == photos[0].category
    assert product.category == "T-shirt"
    assert product.category_predicted is False
    raw = answer.json()
    assert isinstance(raw["price"], float | int)
    assert isinstance(raw["final_price"], float | int)
    assert product.image_url == product.image_urls[0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/products/none-of-ours", 404),
        ("/api/products/%00", 422),
        ("/api/products/" + "x" * 201, 422),
        ("/api/products?limit=0", 422),
        ("/api/products?cursor=made-up", 422),
        ("/api/images/" + "0" * 64, 404),
        ("/api/images/short", 422),
        ("/api/images/../../etc/passwd", 404),
        ("/nothing-here", 404),
    ],
)
def test_what_is_not_there(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_method_that_a_route_does_not_take(client: TestClient) -> None:
    answer = client.get("/api/classify")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json"


def test_whoever_asks_for_the_head_gets_the_head(base_url: str) -> None:
    for path in ("/healthz", "/static/similar_images.js", "/api/products"):
        whole, head = requests.get(base_url + path, timeout=10), requests.head(base_url + path, timeout=10)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == whole.headers["content-length"]
    assert requests.head(f"{base_url}/api/classify", timeout=10).status_code == 405


@pytest.fixture(scope="module")
def image_url(client: TestClient, photos: list[DrawnPhoto]) -> str:
    return str(client.get(f"/api/products/{photos[0].product_id}").json()["image_url"])


def test_pictures_are_cached_for_good(client: TestClient, image_url: str, photos: list[DrawnPhoto]) -> None:
    answer = client.get(image_url)
    assert answer.content == photos[0].data
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    again = client.get(image_url, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(image_url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("width", [160, 320, 640])
def test_smaller_pictures(client: TestClient, image_url: str, settings: Settings, width: int) -> None:
    first, second = (client.get(image_url, params={"w": width}) for _ in range(2))
    assert first.content == second.content
    picture = Image.open(io.BytesIO(first.content))
    assert max(picture.size) <= width
    assert picture.format == "JPEG"
    assert list((settings.cache_dir / "thumbnails" / str(width)).rglob("*.jpg"))


def test_any_other_width_is_refused(client: TestClient, image_url: str) -> None:
    assert client.get(image_url, params={"w": 161}).status_code == 422


def test_a_damaged_picture_has_no_smaller_one(client: TestClient, photos: list[DrawnPhoto]) -> None:
    sha256 = client.app.state.services.images.put(photos[0].data[:2000])  # type: ignore[attr-defined]
    assert client.get(f"/api/images/{sha256}").content == photos[0].data[:2000]
    answer = client.get(f"/api/images/{sha256}", params={"w": 320})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:similook:problem:picture-damaged")


def test_no_answer_may_be_taken_for_another_kind(client: TestClient) -> None:
    for path in ("/healthz", "/api/products", "/nothing-here", "/docs", "/widget", "/openapi.json"):
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


def test_ready_when_everything_is_there(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    ready = ReadyAnswer.model_validate_json(answer.content)
    assert (answer.status_code, ready.status) == (200, "ready")
    assert ready.database.detail == f"{TOTAL} products"
    assert ready.index.detail == f"{TOTAL} vectors"


def test_not_ready_before_it_has_loaded(settings: Settings) -> None:
    # Without the lifespan nothing is loaded: importing and building the service does no work.
    bare = TestClient(create_app(settings), raise_server_exceptions=False)
    assert bare.get("/healthz").status_code == 200
    assert bare.get("/readyz").status_code == 503
    answer = bare.get("/api/products")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:similook:problem:not-ready"
    assert answer.headers["retry-after"]


def test_counters_tell_what_happened(client: TestClient, photos: list[DrawnPhoto]) -> None:
    client.get("/api/products")
    client.post("/api/classify", files={"file": photos[0].data})
    text = client.get("/metrics").text
    assert 'similook_requests_total{method="GET",route="/api/products",status="200"}' in text
    assert 'similook_stage_seconds_bucket{le="+Inf",stage="see"}' in text


def test_metrics_can_be_locked(settings: Settings, tmp_path: Path) -> None:
    locked = settings.model_copy(update={"metrics_need_key": True})
    with TestClient(create_app(locked)) as client:
        refused = client.get("/metrics")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        key = (settings.secrets_dir / "api_key").read_text().strip()
        assert client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_classic_answers_have_the_old_form(client: TestClient, photos: list[DrawnPhoto]) -> None:
    answer = client.post("/getSimilarFashion", files={"file": ("photo.jpg", photos[0].data)})
    assert answer.status_code == 200
    body = answer.json()
    assert list(body) == ["category", "image0", "image1", "image2", "image3", "image4"]
    for position in range(5):
        title, price, item_url, img_url = body[f"image{position}"]
        assert title
        assert price.endswith(" KRW")
        assert item_url.startswith("https://example.com/")
        assert "/api/images/" in img_url
    own = client.get(f"/api/products/{photos[0].product_id}").json()
    assert body["image0"][0] == own["name"]
    category = client.post("/getCategory", files={"file": ("photo.jpg", photos[0].data)})
    assert list(category.json()) == ["category"]


def test_the_category_is_not_a_constant(client: TestClient, photos: list[DrawnPhoto]) -> None:
    """The first system's category endpoint always gave the same answer."""
    best = {
        client.post("/api/classify", files={"file": photo.data}).json()["probabilities"][0]["probability"]
        for photo in photos[::6]
    }
    assert len(best) > 1


def test_other_origins_are_let_in_by_the_list_alone(settings: Settings) -> None:
    listed = settings.model_copy(update={"cors_origins": ("https://shop.example",)})
    with TestClient(create_app(listed)) as client:
        allowed = client.get("/api/products", headers={"Origin": "https://shop.example"})
        assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
        refused = client.get("/api/products", headers={"Origin": "https://other.example"})
        assert "access-control-allow-origin" not in refused.headers
        problem = client.post("/api/classify", headers={"Origin": "https://shop.example"})
        assert problem.status_code == 422
        assert problem.headers["access-control-allow-origin"] == "https://shop.example"


def test_an_unforeseen_error_tells_nothing_of_the_inside(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"cors_origins": ("https://shop.example",)}))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("password=hunter2")

    with TestClient(app) as client:
        answer = client.get("/broken", headers={"Origin": "https://shop.example"})
        counted = client.get("/metrics").text
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    # It is an answer like any other: with its id, readable from a listed origin, and counted.
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    assert 'similook_requests_total{method="GET",route="/broken",status="500"} 1.0' in counted


def test_request_ids_are_kept_if_harmless(client: TestClient) -> None:
    kept = client.get("/healthz", headers={"X-Request-ID": "order-4711-retry"})
    assert kept.headers["x-request-id"] == "order-4711-retry"
    replaced = client.get("/healthz", headers={"X-Request-ID": "bad id\twith spaces"})
    assert replaced.headers["x-request-id"] != "bad id\twith spaces"


def test_a_full_queue_answers_429_with_retry_after(settings: Settings, photos: list[DrawnPhoto]) -> None:
    tight = settings.model_copy(update={"queue_size": 1})
    with TestClient(create_app(tight)) as client:
        services = client.app.state.services  # type: ignore[attr-defined]
        release, begun = threading.Event(), threading.Semaphore(0)
        analyse = services.recommender.analyse

        def slow(data: bytes, crop: object = None) -> object:
            begun.release()
            release.wait(20)
            return analyse(data, None)

        services.recommender.analyse = slow
        answers: list[int] = []

        def send() -> None:
            url = "/api/recommendations/similar-images"
            answers.append(client.post(url, files={"file": photos[0].data}).status_code)

        threads = [threading.Thread(target=send) for _ in range(2)]
        for thread in threads:
            thread.start()
        begun.acquire(timeout=20)
        queue = client.app.state.queue  # type: ignore[attr-defined]
        while queue.waiting < 1:
            time.sleep(0.01)
        refused = client.post("/api/recommendations/similar-images", files={"file": photos[0].data})
        release.set()
        for thread in threads:
            thread.join()
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["type"] == "urn:similook:problem:queue-full"
    assert answers == [200, 200]
