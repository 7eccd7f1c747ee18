"""Two real worker processes: 32 photos at once, and everything that the workers must agree on."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import requests

from Backend.settings import child_environment
from tests.backend.conftest import METRIC_LEFTOVERS, DrawnPhoto, Server


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
        lines = requests.get(f"{base_url}/metrics", timeout=10).text.splitlines()
        wanted = 'similook_requests_total{method="GET",route="/healthz",status="200"}'
        return sum(float(line.split()[-1]) for line in lines if line.startswith(wanted))

    before = counted()
    for _ in range(10):
        requests.get(f"{base_url}/healthz", timeout=10)
    until = time.monotonic() + 30  # a request is counted when it has ended, which is after its answer has come
    while counted() < before + 10 and time.monotonic() < until:
        time.sleep(0.05)
    assert counted() == before + 10


def test_only_counters_are_removed_from_the_folder_of_counters(server: Server) -> None:
    """It may be a folder that its owner keeps other things in."""
    left = {name for name in METRIC_LEFTOVERS if (server.metrics_dir / name).exists()}
    assert left == {"catalogue.db", "notes.txt", "older/histogram_1.db"}


def test_a_killed_worker_waits_for_nothing_any_more(tmp_path: Path) -> None:
    """Two processes share a folder, and the first is killed: nothing waits in it, and what it counted happened."""
    program = """
import os, signal, sys
from Backend.metrics import Metrics
metrics = Metrics()
metrics.waiting.set(int(sys.argv[1]))
metrics.refused.inc()
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
print(metrics.render().decode())
"""

    def run(waiting: int, end: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", program, str(waiting), end],
            env=child_environment({"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}),
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout

    assert run(7, "killed") == ""
    told = run(2, "lives").splitlines()
    assert "similook_photos_waiting 2.0" in told
    assert "similook_photos_refused_total 2.0" in told


def test_50_mb_are_refused_and_never_held(base_url: str, server: Server) -> None:
    """A body over the limit is thrown away as it arrives: the workers do not grow by it."""
    workers = psutil.Process(server.pid).children(recursive=True)

    def resident() -> int:
        return sum(worker.memory_info().rss for worker in workers)

    url = f"{base_url}/api/recommendations/similar-images"
    before = resident()
    for _ in range(3):
        answer = requests.post(url, files={"file": b"\xff\xd8\xff" + bytes(50_000_000)}, timeout=60)
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:similook:problem:upload-too-large"
    assert resident() - before < 30_000_000


def test_20_mb_that_are_no_picture_wait_on_disk(base_url: str, server: Server) -> None:
    """What is under the limit is read by the thread that works on it, one at a time."""
    url = f"{base_url}/api/recommendations/similar-images"
    workers = psutil.Process(server.pid).children(recursive=True)
    before = sum(worker.memory_info().rss for worker in workers)

    def send(_: int) -> int:
        return requests.post(url, files={"file": bytes(15_000_000)}, timeout=60).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(8))) == {415}
    assert sum(worker.memory_info().rss for worker in workers) - before < 100_000_000
