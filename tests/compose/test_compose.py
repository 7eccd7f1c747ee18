"""docker-compose.yml for real: hardened, reachable, and nothing lost when parts of it die. In this order."""

import io
import threading
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from PIL import Image

from Data.sample import draw_product
from tests.compose.conftest import API, PAGE, Compose, ready, until, vectors

pytestmark = pytest.mark.proof

SERVICES = ("backend", "indexer", "frontend")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn product that is in the sample: its own picture has to come first."""
    path = tmp_path_factory.mktemp("photo") / "hoodie.jpg"
    Image.fromarray(draw_product("hoodie", 3, 7).rgb).save(path, "JPEG", quality=92)
    return path


def search(photo: Path) -> httpx.Response:
    files = {"file": (photo.name, photo.read_bytes(), "image/jpeg")}
    return httpx.post(f"{API}/api/recommendations/similar-images", files=files, timeout=60)


def first(photo: Path) -> str:
    answer = search(photo)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["similar_products"][0]["product_id"])


def test_the_containers_are_hardened(compose: Compose) -> None:
    for service in SERVICES:
        facts = compose.facts(service)
        host, config = facts["HostConfig"], facts["Config"]
        assert isinstance(host, dict) and isinstance(config, dict)
        assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["Memory"] > 0
        assert config["User"] == "10001:10001"
        assert (
            compose.inside(service, "python", "-c", "import importlib.util as u; print(u.find_spec('torch'))").strip()
            == "None"
        )
        assert not [entry for entry in config["Env"] if "PASSWORD=" in entry or "KEY=" in entry]


def test_the_old_contract_answers(compose: Compose, photo: Path) -> None:
    answer = httpx.post(f"{API}/getSimilarFashion", files={"file": photo.read_bytes()}, timeout=60).json()
    assert set(answer) == {"category", *(f"image{place}" for place in range(5))}
    title, _, item_url, img_url = answer["image0"]
    assert title and item_url.startswith("https://example.com/")
    picture = httpx.get(img_url.replace("localhost", "127.0.0.1"), timeout=30)
    assert Image.open(io.BytesIO(picture.content)).size == (480, 600)
    assert set(httpx.post(f"{API}/getCategory", files={"file": photo.read_bytes()}, timeout=60).json()) == {"category"}


def test_a_person_uploads_a_photo_on_the_page(compose: Compose, photo: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
            ],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(PAGE)
        page.locator("input[type=file]").first.set_input_files(photo)
        link = page.locator('a[href^="https://example.com/"]').first
        link.wait_for(timeout=120_000)
        assert str(link.get_attribute("href")).startswith("https://example.com/products/")
        # The picture's address is one that a browser outside of the containers reaches.
        loaded = "document.querySelector('a[href^=\"https://example.com/\"] img').naturalWidth > 0"
        page.wait_for_function(loaded, timeout=30_000)
        browser.close()


def test_writing_needs_the_key_that_was_made_on_the_first_start(compose: Compose) -> None:
    product = {"name": "Written over HTTP"}
    assert httpx.put(f"{API}/api/products/compose-1", json=product, timeout=30).status_code == 401
    key = compose.inside("backend", "cat", "/run/similook/api_key").strip()
    answer = httpx.put(
        f"{API}/api/products/compose-1", json=product, headers={"Authorization": f"Bearer {key}"}, timeout=30
    )
    assert answer.status_code in (200, 201, 202), answer.text
    assert httpx.get(f"{API}/api/products/compose-1", timeout=30).json()["name"] == "Written over HTTP"


def test_each_container_can_be_restarted(compose: Compose, photo: Path) -> None:
    before = first(photo)
    for service in (*SERVICES, "postgres"):
        compose("restart", service)
        until(f"ready after {service} came back", ready)
        until(f"the same answer after {service} came back", lambda: search(photo).status_code == 200)
        assert first(photo) == before
        assert vectors() == 650
    until("the page is back", lambda: httpx.get(f"{PAGE}/_stcore/health", timeout=5).status_code == 200)


def test_postgresql_dies_in_the_middle_of_work(compose: Compose, photo: Path) -> None:
    """Requests under way are answered or refused in words, and everything is there when it comes back."""
    answers: list[tuple[int, str]] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                answer = search(photo)
            except httpx.HTTPError as error:
                answers.append((0, str(error)))
                continue
            answers.append((answer.status_code, answer.headers["content-type"]))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(3)
    compose("kill", "postgres")
    time.sleep(6)
    compose("start", "postgres")
    until("ready after PostgreSQL was killed", ready)
    stop.set()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} <= {200, 503}
    assert any(status == 503 for status, _ in answers)
    assert all(kind == "application/problem+json" for status, kind in answers if status == 503)
    assert first(photo) and vectors() == 650
    assert httpx.get(f"{API}/api/products/compose-1", timeout=30).status_code == 200


def test_a_backup_brings_back_what_was_deleted(compose: Compose, photo: Path) -> None:
    before = first(photo)
    compose.inside("indexer", "similook", "backup", "/var/lib/similook/data/backup.tar")
    key = compose.inside("backend", "cat", "/run/similook/api_key").strip()
    gone = httpx.delete(f"{API}/api/products/{before}", headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert gone.status_code in (200, 204)
    until("the deleted product is no longer found", lambda: first(photo) != before, 30)
    compose("stop", "indexer")
    compose("run", "--rm", "-T", "indexer", "similook", "restore", "--replace", "/var/lib/similook/data/backup.tar")
    compose("run", "--rm", "-T", "indexer", "similook", "index", "--rebuild")
    compose("start", "indexer")
    compose("restart", "backend")
    until("the restored product is found again", lambda: ready() and first(photo) == before, 300)
    assert httpx.get(f"{API}/api/products/compose-1", timeout=30).status_code == 200


def test_the_classifier_is_retrained_and_taken_up(compose: Compose, photo: Path) -> None:
    def card() -> object:
        models = httpx.get(f"{API}/api/models", timeout=30).json()
        return [model for model in models["models"] if model["kind"] == "classifier"]

    def seen() -> list[object]:
        """What ten requests say, which reach any of the workers."""
        files = {"file": photo.read_bytes()}
        return [httpx.post(f"{API}/api/classify", files=files, timeout=60).json()["probabilities"] for _ in range(10)]

    def taken_up() -> bool:
        """Whether each worker classifies anew, and all alike."""
        now = seen()
        return now[0] not in before and all(answer == now[0] for answer in now)

    shipped, before = card(), seen()
    compose("--profile", "train", "run", "--rm", "-T", "train")
    until("the service serves the new classifier", lambda: card() != shipped, 60)
    until("each worker classifies with it", taken_up, 60)
    assert card() != shipped
