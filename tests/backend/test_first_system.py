"""The faults of the first system of this kind, each a test. Those of page and crawler stand with their rooms."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fastapi.testclient import TestClient

from tests.backend.conftest import DrawnPhoto

WORKLESS = """
import os, sys, threading
before = set(os.listdir('.'))
import Backend.main, Backend.cli, Backend.indexer, Backend.commands.demo
assert set(os.listdir('.')) == before, 'importing wrote files'
assert threading.active_count() == 1, 'importing started threads'
assert 'torch' not in sys.modules, 'importing reached torch'
"""


def test_importing_does_no_work(tmp_path: Path) -> None:
    """Importing its crawler started it."""
    done = subprocess.run([sys.executable, "-c", WORKLESS], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_uploads_never_meet(client: TestClient, photos: list[DrawnPhoto]) -> None:
    """Every upload went through one fixed file. (Over two processes: test_workers.py.)"""

    def search(photo: DrawnPhoto) -> str:
        answer = client.post("/api/recommendations/similar-images", files={"file": photo.data}, data={"limit": "1"})
        return str(answer.json()["similar_products"][0]["product_id"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(search, photos[:16])) == [photo.product_id for photo in photos[:16]]


def test_networks_are_loaded_once(client: TestClient, photos: list[DrawnPhoto]) -> None:
    """Everything was loaded again for each request."""
    services = client.app.state.services  # type: ignore[attr-defined]
    embedder, index = services.embedder, services.index
    for photo in photos[:3]:
        client.post("/api/classify", files={"file": photo.data})
    assert client.app.state.services.embedder is embedder  # type: ignore[attr-defined]
    assert client.app.state.services.index is index  # type: ignore[attr-defined]


def test_an_upload_leaves_no_file_behind(client: TestClient, photos: list[DrawnPhoto]) -> None:
    folder = client.app.state.settings.data_dir  # type: ignore[attr-defined]
    before = {path for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name}
    client.post("/api/recommendations/similar-images", files={"file": ("../../evil.jpg", photos[0].data)})
    assert {path for path in folder.rglob("*") if path.is_file() and "sqlite" not in path.name} == before


def test_query_and_catalogue_are_seen_the_same_way(client: TestClient, photos: list[DrawnPhoto]) -> None:
    """Its normalisation did not match the weights; ours is the card's, for both: the very picture is at distance 0."""
    for photo in photos[::10]:
        answer = client.post("/api/recommendations/similar-images", files={"file": photo.data}).json()
        assert answer["similar_products"][0]["distance"] < 1e-3


def test_no_line_of_gitignore_hides_a_room(repository: Path) -> None:
    """A `data/` line hid Data/ on case-insensitive disks."""
    lines = [line.strip().lower() for line in (repository / ".gitignore").read_text().splitlines()]
    rooms = {"backend", "frontend", "model", "data", "tests", "docs"}
    assert not rooms & {line.strip("/").removeprefix("**/") for line in lines}
