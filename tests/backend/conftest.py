"""One small drawn catalogue, indexed once, and the service over it."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from fastapi.testclient import TestClient

from Backend.logs import configure_logging
from Backend.main import create_app
from Backend.samples import prepare
from Backend.settings import Settings, child_environment

PER_CLASS = 3
READY_S = 60


@dataclass(frozen=True)
class DrawnPhoto:
    """A picture of the drawn catalogue and the product that it shows."""

    product_id: str
    category: str
    data: bytes


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return the settings of a data folder that holds 39 drawn products, indexed. Tests only read it."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("similook"), threads=1)
    configure_logging(settings.model_copy(update={"log_level": "error"}))
    prepare(settings, lambda text: None, per_class=PER_CLASS)
    return settings


@pytest.fixture(scope="session")
def photos(settings: Settings) -> list[DrawnPhoto]:
    """Return the pictures of the drawn catalogue, in its order."""
    folder = settings.data_dir / "sample"
    with (folder / "products.csv").open(encoding="utf-8", newline="") as file:
        return [
            DrawnPhoto(row["product_id"], row["category"], (folder / "images" / row["image"]).read_bytes())
            for row in csv.DictReader(file)
        ]


@pytest.fixture(scope="session")
def client(settings: Settings) -> Iterator[TestClient]:
    """Return a client of the service in this process."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


@dataclass(frozen=True)
class Server:
    """A running service.

    Args:
        url: without a slash at the end.
        pid: of the process that holds the workers.
        metrics_dir: where they share their counters; before the start it held METRIC_LEFTOVERS.
    """

    url: str
    pid: int
    metrics_dir: Path


METRIC_LEFTOVERS = ("counter_1.db", "gauge_livesum_1.db", "catalogue.db", "notes.txt", "older/histogram_1.db")


@pytest.fixture(scope="session")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the drawn catalogue with two worker processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    metrics_dir = tmp_path_factory.mktemp("metrics")
    (metrics_dir / "older").mkdir()
    for name in METRIC_LEFTOVERS:
        (metrics_dir / name).touch()
    two = settings.model_copy(update={"port": port, "workers": 2, "metrics_dir": metrics_dir})
    log = tmp_path_factory.mktemp("log") / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "Backend.cli", "serve"],
            env=child_environment(two.environment()),
            stderr=output,
            start_new_session=True,
        )
        url = f"http://127.0.0.1:{port}"
        try:
            wait_ready(url, process, log)
            yield Server(url, process.pid, metrics_dir)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM), log.read_text()


@pytest.fixture(scope="session")
def base_url(server: Server) -> str:
    """Return the address of a service of two worker processes."""
    return server.url


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


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return an empty data folder of one test's own."""
    return tmp_path / "data"
