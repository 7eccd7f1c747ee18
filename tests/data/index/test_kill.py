"""SIGKILL at instants spread over a build, a compaction and an upsert: nothing is lost, nothing comes back."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete

from Data.catalogue import Catalogue
from Data.database import writing
from Data.features import Features
from Data.index.generations import current_name, generation_names, open_generation
from Data.index.live import LiveIndex
from Data.schema import leases

EMBEDDER, DIM = "embedder-a", 32
WORKER = Path(__file__).with_name("kill_worker.py")


class Worker:
    """Runs work in children of another process and kills them when asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process = subprocess.Popen([sys.executable, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdin is not None and self.process.stdout is not None
        self.input, self.output = self.process.stdin, self.process.stdout.fileno()
        self.rest = b""
        assert self.line() == "ready"

    def line(self, timeout_s: float = 120.0) -> str | None:
        """Return the next line, None if none comes in time."""
        end = time.monotonic() + timeout_s
        while b"\n" not in self.rest:
            if not select.select([self.output], [], [], max(0.0, end - time.monotonic()))[0]:
                return None
            read = os.read(self.output, 65536)
            assert read, "the worker has died"
            self.rest += read
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode()

    def run(self, what: str, argument: object, kill_after_s: float | None = None) -> tuple[list[str], float]:
        """Do some work, killed after so many seconds from its beginning; return what it said, and how long it took."""
        self.input.write(f"{what} {self.root} {argument}\n".encode())
        self.input.flush()
        said: list[str] = []
        begun, pid = time.monotonic(), 0
        while True:
            left = 120.0
            if kill_after_s is not None and pid:
                left = max(0.0, begun + kill_after_s - time.monotonic())
            line = self.line(left)
            if line is None:
                assert pid, "the worker says nothing"
                os.kill(pid, signal.SIGKILL)
                pid, kill_after_s = 0, None
            elif line.startswith("go "):
                begun, pid = time.monotonic(), int(line[3:])
            elif line.startswith("over "):
                assert kill_after_s is not None or line in ("over 0", f"over {signal.SIGKILL}"), line
                return said, time.monotonic() - begun
            else:
                said.append(line)
                if line == "done":
                    pid, kill_after_s = 0, None

    def close(self) -> None:
        """End the worker."""
        self.input.close()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with an empty catalogue."""
    with Catalogue.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}") as catalogue:
        catalogue.migrate()
    return tmp_path


@pytest.fixture
def worker(root: Path) -> Iterator[Worker]:
    """Return a worker of that catalogue."""
    made = Worker(root)
    yield made
    made.close()


def check(root: Path) -> set[str]:
    """Open what is there, check every byte of it, and compare what can be found with the tables; return it."""
    with Catalogue.open(f"sqlite:///{root / 'catalogue.sqlite'}") as catalogue:
        # Instead of waiting until the killed holder's lease has run out.
        with writing(catalogue.engine) as connection:
            connection.execute(delete(leases))
        directory = root / "index"
        for name in generation_names(directory):
            open_generation(directory, name, EMBEDDER).verify()
        index = LiveIndex(directory, catalogue.engine, EMBEDDER)
        assert index.facts().problem is None
        assert index.facts().generation == (current_name(directory) if directory.is_dir() else None)
        batches = Features(catalogue.engine).iterate(EMBEDDER)
        stored = {row.product_id for batch in batches for row in batch.columns}
        query = np.eye(1, DIM, dtype=np.float32)
        found = [hit.product_id for hit in index.search(query, 100_000)[0]]
        assert len(found) == len(set(found))
        assert set(found) == stored
        assert index.facts().product_count == len(stored)
        return stored


def instants(duration_s: float, count: int) -> list[float]:
    """Return one random instant in each of so many equal parts of the duration."""
    rng = random.Random(count)
    return [duration_s * (part + rng.random()) / count for part in range(count)]


def tell(proof: str, products: int, kind: str, count: int, duration_s: float, killed: int) -> None:
    """Write the figures of a proof, for benchmarks.search_proofs to put on a page."""
    figures = {"instants": count, "over_s": round(1.02 * duration_s, 2), "killed at work": killed}
    sys.stdout.write("\nPROOF " + json.dumps({"proof": proof, "products": products, "kind": kind} | figures) + "\n")


SIZES = [
    pytest.param(300, 5, "exact", id="5 instants"),
    pytest.param(3000, 50, "compact", id="50 instants", marks=[pytest.mark.proof, pytest.mark.timeout(3600)]),
]


@pytest.mark.parametrize(("products", "count", "kind"), SIZES)
def test_a_build_killed_at_any_instant(root: Path, worker: Worker, products: int, count: int, kind: str) -> None:
    worker.run("fill", products)
    _, duration = worker.run("build", kind)
    killed = 0
    for instant in instants(duration * 1.02, count):
        said, _ = worker.run("build", kind, instant)
        killed += "done" not in said
        assert len(check(root)) == products
    assert killed >= count // 2
    worker.run("build", kind)
    assert not list((root / "index").glob("building-*"))
    tell("SIGKILL of a build", products, kind, count, duration, killed)


@pytest.mark.parametrize(("products", "count", "kind"), SIZES)
def test_a_compaction_killed_at_any_instant(root: Path, worker: Worker, products: int, count: int, kind: str) -> None:
    worker.run("fill", products)
    worker.run("build", "exact")
    _, duration = worker.run("build", "exact")
    first, killed = 100_000, 0
    for instant in instants(duration * 1.02, count):
        worker.run("upsert", first)
        first += 20
        said, _ = worker.run("build", "exact", instant)
        killed += "done" not in said
        check(root)
    assert killed >= count // 2
    worker.run("build", kind)
    added = {f"p{number}" for number in range(100_000, first) if number % 3}
    assert check(root) == {f"p{number}" for number in range(products)} | added
    assert not list((root / "index").glob("building-*"))
    tell("SIGKILL of a compaction", products, "exact", count, duration, killed)


@pytest.mark.parametrize(("products", "count", "kind"), SIZES)
def test_an_upsert_killed_at_any_instant(root: Path, worker: Worker, products: int, count: int, kind: str) -> None:
    worker.run("fill", products)
    worker.run("build", "exact")
    _, duration = worker.run("upsert", 100_000)
    first, killed = 200_000, 0
    for instant in instants(duration * 1.02, count):
        said, _ = worker.run("upsert", first, instant)
        killed += "done" not in said
        stored = check(root)
        gone = {line.removeprefix("gone ") for line in said if line.startswith("gone ")}
        saved = {line.removeprefix("saved ") for line in said if line.startswith("saved ")}
        assert not stored & {f"p{number}" for number in gone}
        last = str(first + len(saved) - 1)  # its deletion may have been committed and not yet said
        assert {f"p{number}" for number in saved - gone - {last}} <= stored
        first += 100
    tell("SIGKILL of upserts and deletions", products, "exact", count, duration, killed)
