"""The whole of docker-compose.yml, built and up, for the proofs in this folder (`make compose-test`)."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import pytest

API = "http://127.0.0.1:8000"
PAGE = "http://127.0.0.1:8501"
UP_S = 1200
ANSWER_S = 180.0


@dataclass(frozen=True)
class Compose:
    """The project's containers."""

    root: Path

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Run `docker compose` and return what it printed."""
        done = subprocess.run(
            ["docker", "compose", *arguments], cwd=self.root, capture_output=True, text=True, timeout=UP_S, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"docker compose {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def inside(self, service: str, *command: str) -> str:
        """Run a command in a running container and return what it printed."""
        return self("exec", "-T", service, *command)

    def facts(self, service: str) -> dict[str, object]:
        """Return what the engine says about a service's container."""
        identity = self("ps", "-q", service).strip()
        said = subprocess.run(["docker", "inspect", identity], capture_output=True, text=True, check=True).stdout
        (found,) = json.loads(said)
        return dict(found)


def until(what: str, holds: Callable[[], bool], within_s: float = ANSWER_S) -> None:
    """Wait until something holds; the network's own faults count as no."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(f"{what}: not within {within_s:g} s")


def ready() -> bool:
    """Return whether the service says that it can work."""
    return httpx.get(f"{API}/readyz", timeout=5).status_code == 200


def vectors() -> int:
    """Return how many vectors the service searches."""
    return int(
        httpx.get(f"{API}/api/recommendations/image-index-stats/", timeout=10).json()["faiss_index"]["total_vectors"]
    )


@pytest.fixture(scope="session")
def compose(repository: Path) -> Iterator[Compose]:
    """Build, start and index the sample; take everything down at the end unless SIMILOOK_KEEP_COMPOSE is set."""
    if (
        shutil.which("docker") is None
        or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no Docker engine answers here; start one, or point DOCKER_HOST at one")
    project = Compose(repository)
    project("up", "-d", "--build")
    until("the sample is indexed", lambda: ready() and vectors() == 650, UP_S)
    yield project
    if "SIMILOOK_KEEP_COMPOSE" not in os.environ:
        project("--profile", "train", "down", "-v")
