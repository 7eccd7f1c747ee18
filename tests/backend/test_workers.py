"""Two real worker processes: 32 photos at once, and everything that the workers must agree on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from Backend.settings import Settings, child_environment
from tests.backend.conftest import DrawnPhoto

READY_S = 60


@pytest.fixture(scope="module")
def base_url(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the drawn catalogue with two worker processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    two = settings.model_copy(update={"port": port, "workers": 2})
    variables = two.environment() | {"SIMILOOK_PORT": str(port), "SIMILOOK_WORKERS": "2"}
    log = tmp_path_factory.mktemp("log") / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "Backend.cli", "serve"],
            env=child_environment(variables),
            stderr=output,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_ready(url, process, log)
            yield url
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM), log.read_text()


def wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if requests.get(f"{url}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail(log.read_text())


def test_32_photos_at_once_each_get_their_own_product(base_url: str, photos: list[DrawnPhoto]) -> None:
    """The first system kept every upload in one file, so that two people could get each other's results."""
    distinct = photos[:: len(photos) // 32][:32]
    assert len({photo.data for photo in distinct}) == 32

    def search(photo: DrawnPhoto) -> tuple[str, str]:
        answer = requests.post(
            f"{base_url}/api/recommendations/similar-images",
            files={"file": ("photo.jpg", photo.data)},
            data={"limit": "1"},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        return photo.product_id, answer.json()["similar_products"][0]["product_id"]

    with ThreadPoolExecutor(32) as pool:
        pairs = list(pool.map(search, distinct))
    assert [found for _, found in pairs] == [sent for sent, _ in pairs]


def test_every_worker_reads_every_workers_tokens(base_url: str, photos: list[DrawnPhoto]) -> None:
    url = f"{base_url}/api/recommendations/similar-images"
    token = requests.post(url, files={"file": photos[0].data}, timeout=30).json()["query_token"]
    # A new connection each time, so that both workers are met.
    statuses = {requests.post(url, data={"query_token": token}, timeout=30).status_code for _ in range(16)}
    assert statuses == {200}


def test_counters_are_added_up_over_the_workers(base_url: str) -> None:
    def counted() -> float:
        text = requests.get(f"{base_url}/metrics", timeout=10).text
        line = next(
            line
            for line in text.splitlines()
            if line.startswith('similook_requests_total{method="GET",route="/healthz",status="200"}')
        )
        return float(line.split()[-1])

    for _ in range(3):
        requests.get(f"{base_url}/healthz", timeout=10)
    before = counted()
    for _ in range(10):
        requests.get(f"{base_url}/healthz", timeout=10)
    assert counted() == before + 10
